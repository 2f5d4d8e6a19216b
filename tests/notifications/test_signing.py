"""Signatures as Standard Webhooks has them."""

import base64

import pytest

from notifications.signing import TOLERANCE_SECONDS, BadSecret, BadSignature, make_secret, sign, verify

# The example of the Standard Webhooks specification.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
SIGNED = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
NOW = 1614265330.0


def test_the_example_of_the_specification_comes_out() -> None:
    """Header by header."""
    assert sign(SECRET, message_id=SIGNED["webhook-id"], timestamp=1614265330, body=BODY) == SIGNED
    verify(SECRET, SIGNED, BODY, now=NOW)


def test_a_message_is_signed_with_the_old_secret_too() -> None:
    """So that a receiver that knows only one of them takes it."""
    new = make_secret()
    signed = sign(new, SECRET, message_id=SIGNED["webhook-id"], timestamp=1614265330, body=BODY)
    assert signed["webhook-signature"].endswith(f" {SIGNED['webhook-signature']}")
    for secret in (new, SECRET):
        verify(secret, signed, BODY, now=NOW)


def test_one_of_several_signatures_is_enough() -> None:
    """While a secret is replaced a sender signs with both."""
    verify(SECRET, {**SIGNED, "webhook-signature": f"v1,xxxx {SIGNED['webhook-signature']}"}, BODY, now=NOW)


@pytest.mark.parametrize(
    ("headers", "body", "now", "why"),
    [
        ({}, BODY + b" ", NOW, "does not fit"),
        ({"webhook-id": "other"}, BODY, NOW, "does not fit"),
        ({"webhook-timestamp": "1614265331"}, BODY, NOW, "does not fit"),
        ({"webhook-timestamp": "soon"}, BODY, NOW, "are needed"),
        ({}, BODY, NOW + TOLERANCE_SECONDS + 1, "check the clocks"),
        ({}, BODY, NOW - TOLERANCE_SECONDS - 1, "check the clocks"),
    ],
)
def test_anything_else_is_refused(headers: dict[str, str], body: bytes, now: float, why: str) -> None:
    """A changed message, another id or time, one from long ago."""
    with pytest.raises(BadSignature, match=why):
        verify(SECRET, {**SIGNED, **headers}, body, now=now)


def test_missing_headers_are_named() -> None:
    """So that whoever sends knows what to add."""
    with pytest.raises(BadSignature, match="webhook-signature"):
        verify(SECRET, {}, BODY, now=NOW)


def test_new_secrets_are_long_and_different() -> None:
    """32 random bytes."""
    first, second = make_secret(), make_secret()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32


def test_what_is_no_secret_is_said() -> None:
    """Not silently signed with."""
    with pytest.raises(BadSecret):
        sign("whsec_%%%", message_id="x", timestamp=1, body=b"")

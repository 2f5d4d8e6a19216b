"""Signatures as Standard Webhooks has them."""

import base64

import pytest

from notifications.signing import (
    TOLERANCE_SECONDS,
    BadSecret,
    BadSignature,
    make_secret,
    sign,
    sign_body,
    verify,
    verify_body,
)

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
        ({"webhook-timestamp": "9" * 400}, BODY, NOW, "are needed"),
        ({"webhook-signature": "v1,é"}, BODY, NOW, "does not fit"),
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


def test_a_signature_of_the_body_alone_is_known_with_and_without_its_prefix() -> None:
    """GitHub's and Gitea's; digits of either case."""
    [signature] = sign_body("a secret", BODY).values()
    for form in (signature, signature.removeprefix("sha256="), signature.removeprefix("sha256=").upper()):
        verify_body("a secret", form, BODY)
    for secret, form, body in (("another", signature, BODY), ("a secret", signature, b""), ("a secret", "é", BODY)):
        with pytest.raises(BadSignature, match="does not fit"):
            verify_body(secret, form, body)


@pytest.mark.parametrize("secret", ["not base64!", "whsec_é"])
def test_a_secret_of_another_kind_is_told(secret: str) -> None:
    """It may be one for signatures of the body alone."""
    with pytest.raises(BadSecret):
        verify(secret, SIGNED, BODY, now=NOW)

"""Signatures of webhooks and calls, as Standard Webhooks has them (webhook-id, webhook-timestamp, webhook-signature).

Pure, and shared by both ends. A secret is `whsec_` and the base64 of 24 to 64 bytes.
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from hashlib import sha256

PREFIX = "whsec_"
TOLERANCE_SECONDS = 300


class BadSecret(ValueError):
    """The secret is none of the kind."""


class BadSignature(ValueError):
    """The message is not what its sender signed, or is not from now; the text says which."""


def make_secret() -> str:
    """A new one, of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(secret: str, *older: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers. `timestamp` is in seconds since 1970. Raises BadSecret.

    While one secret replaces another the message is signed with both, so that a receiver may know either.
    """
    signatures = (_sign(each, message_id, timestamp, body) for each in (secret, *older))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def sign_body(secret: str, body: bytes) -> dict[str, str]:
    """The header by which GitHub signs: of the body alone, with the whole text of the secret for the key."""
    return {"X-Hub-Signature-256": f"sha256={hmac.new(secret.encode(), body, sha256).hexdigest()}"}


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> None:
    """Check a received message; the names of `headers` are lower case. Raises BadSignature and BadSecret."""
    try:
        message_id, timestamp = headers["webhook-id"], int(headers["webhook-timestamp"])
        signatures = headers["webhook-signature"].split()
    except (KeyError, ValueError):
        raise BadSignature("the headers webhook-id, webhook-timestamp and webhook-signature are needed") from None
    if abs(now - timestamp) > TOLERANCE_SECONDS:
        raise BadSignature(f"it was signed more than {TOLERANCE_SECONDS} seconds from now; check the clocks")
    wanted = f"v1,{_sign(secret, message_id, timestamp, body)}"
    if not any(hmac.compare_digest(wanted, signature) for signature in signatures):
        raise BadSignature("the signature does not fit: another secret, or a changed message")


def _sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise BadSecret(f"a secret is {PREFIX} and base64 after it") from None
    message = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    return base64.b64encode(hmac.new(key, message, sha256).digest()).decode()

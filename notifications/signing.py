"""Signatures of webhooks and calls, as Standard Webhooks has them (webhook-id, webhook-timestamp, webhook-signature).

Pure, and shared by both ends. A secret is `whsec_` and the base64 of 24 to 64 bytes.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Mapping
from hashlib import sha256

PREFIX = "whsec_"
TOLERANCE_SECONDS = 300

_SECONDS = re.compile(r"[0-9]{1,12}")


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
        message_id, written = headers["webhook-id"], headers["webhook-timestamp"]
        signatures = headers["webhook-signature"].split()
    except KeyError:
        raise _incomplete() from None
    if not _SECONDS.fullmatch(written):
        raise _incomplete()
    timestamp = int(written)
    if abs(now - timestamp) > TOLERANCE_SECONDS:
        raise BadSignature(f"it was signed more than {TOLERANCE_SECONDS} seconds from now; check the clocks")
    wanted = f"v1,{_sign(secret, message_id, timestamp, body)}"
    if not any(_is_same(wanted, signature) for signature in signatures):
        raise _unfit()


def verify_body(secret: str, signature: str, body: bytes) -> None:
    """Check a signature of the body alone, in hexadecimal: GitHub's, behind `sha256=`, or Gitea's, which is bare.

    Raises BadSignature.
    """
    wanted = hmac.new(secret.encode(), body, sha256).hexdigest()
    if not _is_same(wanted, signature.removeprefix("sha256=").lower()):
        raise _unfit()


def _is_same(wanted: str, signature: str) -> bool:
    """In a time that does not tell how much of it is right."""
    return hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "surrogateescape"))


def _incomplete() -> BadSignature:
    return BadSignature("the headers webhook-id, webhook-timestamp and webhook-signature are needed")


def _unfit() -> BadSignature:
    return BadSignature("the signature does not fit: another secret, or a changed message")


def _sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError:  # binascii.Error is one
        raise BadSecret(f"a secret is {PREFIX} and base64 after it") from None
    message = b"%b.%d.%b" % (message_id.encode(), timestamp, body)
    return base64.b64encode(hmac.new(key, message, sha256).digest()).decode()

"""Signing what is posted, as each kind of sender does."""

import hmac
import json
import time
from hashlib import sha256
from typing import Any

from notifications.signing import sign
from tests.notifications.receiver.posting import Answer, post


def as_github(secret: str, raw: bytes) -> dict[str, Any]:
    return {"HTTP_X_HUB_SIGNATURE_256": f"sha256={_hex(secret, raw)}"}


def as_gitea(secret: str, raw: bytes) -> dict[str, Any]:
    return {"HTTP_X_GITEA_SIGNATURE": _hex(secret, raw)}


def as_standard(secret: str, raw: bytes, *, message_id: str = "m-1", age_seconds: float = 0.0) -> dict[str, Any]:
    """As the WSGI environ has the headers."""
    signed = sign(secret, message_id=message_id, timestamp=int(time.time() - age_seconds), body=raw)
    return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in signed.items()}


def post_signed(document: Any, headers: dict[str, Any], *, source: str = "edge", **environ: Any) -> Answer:
    """To the URL of a source, without a token."""
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    return post(raw, PATH_INFO=f"/api/v1/events/{source}", REMOTE_ADDR="192.0.2.9:4000", **headers, **environ)


def _hex(secret: str, raw: bytes) -> str:
    return hmac.new(secret.encode(), raw, sha256).hexdigest()

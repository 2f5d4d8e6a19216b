"""The `_state` token: where an upload stood when its URL was handed out, signed (reference B.9).

base64url, with padding, of HMAC-SHA256(`http.secret`, J) followed by J, a JSON object. Opaque to clients.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime
from uuid import UUID

import orjson

from registryhub.oci.errors import BLOB_UPLOAD_INVALID, OciError
from registryhub.registry.progress import Progress

_SIGNATURE_BYTES = 32


def encode_state(secret: bytes, progress: Progress) -> str:
    document = orjson.dumps(
        {
            "Name": progress.repository,
            "UUID": str(progress.id),
            "Offset": progress.offset,
            "StartedAt": progress.started_at,
        }
    )
    return base64.urlsafe_b64encode(_sign(secret, document) + document).decode()


def decode_state(secret: bytes, text: str | None, *, repository: str, upload_id: str) -> Progress:
    """Raises OciError(BLOB_UPLOAD_INVALID) unless this hub signed it for this upload of this repository."""
    if text is None:
        raise OciError(BLOB_UPLOAD_INVALID, "the URL lacks _state; go on at the Location of the last answer")
    try:
        token = base64.b64decode(text, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise OciError(BLOB_UPLOAD_INVALID, "invalid secret: _state is damaged") from error
    signature, document = token[:_SIGNATURE_BYTES], token[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _sign(secret, document)):
        raise OciError(BLOB_UPLOAD_INVALID, "invalid secret: _state was not signed by this registry")
    state = orjson.loads(document)
    if state["Name"] != repository or state["UUID"] != upload_id:
        raise OciError(BLOB_UPLOAD_INVALID, "_state belongs to another upload")
    return Progress(UUID(upload_id), repository, state["Offset"], datetime.fromisoformat(state["StartedAt"]))


def _sign(secret: bytes, document: bytes) -> bytes:
    return hmac.digest(secret, document, hashlib.sha256)

"""A body as it is stored: with what only the request knew, so that it can be read by itself at any time later."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import orjson

from notifications.events import format_timestamp, new_id
from notifications.receiver.adapters.reader import ARRIVAL, check_syntax
from notifications.receiver.adapters.split import InvalidEnvelope
from notifications.receiver.adapters.table import UNDATED, find_adapter
from notifications.receiver.errors import ENVELOPE_INVALID
from registryhub.http.request import Request
from registryhub.oci.errors import OciError

_HEADERS = "HTTP_CE_"
_MOST_BYTES = 256 << 10
"""What is larger than any payload that leaves its time out is not looked at."""


def complete(request: Request, body: bytes) -> bytes:
    """The body; a CloudEvent with the attributes that came in headers; a payload that does not say when, with now.

    Raises OciError 400 when the body of a CloudEvent is not JSON.
    """
    attributes = {
        key.removeprefix(_HEADERS).lower(): unquote(value)
        for key, value in request.environ.items()
        if key.startswith(_HEADERS) and isinstance(value, str)
    }
    if "specversion" in attributes:
        return _structured(attributes, request.header("Content-Type") or "application/json", body)
    return _dated(body)


def _structured(attributes: Mapping[str, str], media_type: str, body: bytes) -> bytes:
    essence = media_type.partition(";")[0].strip().lower()
    head: dict[str, Any] = {**attributes, "datacontenttype": media_type}
    if essence != "application/json" and not essence.endswith("+json"):
        return orjson.dumps({**head, "data_base64": base64.b64encode(body).decode()})
    try:
        check_syntax(body)
    except InvalidEnvelope as error:
        raise OciError(ENVELOPE_INVALID, str(error)) from error
    return orjson.dumps(head)[:-1] + b',"data":' + body + b"}"


def _dated(body: bytes) -> bytes:
    if len(body) > _MOST_BYTES:
        return body
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    if not isinstance(document, dict) or find_adapter(document) not in UNDATED:
        return body
    head = {"specversion": "1.0", "id": new_id(), "type": ARRIVAL, "time": format_timestamp(datetime.now(UTC))}
    try:
        return orjson.dumps({**head, "data": document})
    except orjson.JSONEncodeError:  # it reads deeper nesting than it writes
        return body

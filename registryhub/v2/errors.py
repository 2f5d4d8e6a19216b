"""The one renderer of errors: whatever a handler raises becomes the table's status and JSON (reference B.3)."""

import errno
import logging

import orjson
from django.db import InterfaceError, OperationalError

from notifications.log.journal import JournalUnavailable
from registryhub.http.request import Request
from registryhub.http.response import Response
from registryhub.oci.errors import UNAVAILABLE, UNKNOWN, OciError
from registryhub.storage.base import StorageFull

_logger = logging.getLogger(__name__)

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT))
_RETRY = (("retry-after", "1"),)


def response_of(error: Exception, request: Request, request_id: str) -> Response:
    """The answer to a request that failed. What is not the client's doing is logged, and never shown to it."""
    if isinstance(error, OciError):
        return render(error)
    reason = _why_unavailable(error)
    if reason:
        _logger.warning("%s %s: %s: %s (request %s)", request.method, request.path, reason, error, request_id)
        return render(OciError(UNAVAILABLE, f"{reason}; try again (request {request_id})", headers=_RETRY))
    _logger.error("%s %s failed (request %s)", request.method, request.path, request_id, exc_info=error)
    return render(OciError(UNKNOWN, f"the log of the registry tells more (request {request_id})"))


def render(error: OciError) -> Response:
    """The status of the first error, and all of them in one JSON document."""
    body = orjson.dumps(error.document()) + b"\n"
    headers = [("content-type", "application/json"), ("content-length", str(len(body))), *error.headers]
    return Response(error.code.status, headers, body)


def _why_unavailable(error: Exception) -> str:
    if isinstance(error, OperationalError | InterfaceError):
        return "the database does not answer"
    if isinstance(error, JournalUnavailable):
        return "the event of the request could not be kept"
    if isinstance(error, StorageFull) or (isinstance(error, OSError) and error.errno in _FULL):
        return "the storage is full"
    return ""

"""The one table of errors of the data plane (reference B.3) and the exception that carries one.

Rules raise; `registryhub.v2` renders. Messages and statuses are those clients of Distribution know; where a status
differs from the reference (400 for a malformed chunk, 413, 503) the OCI distribution-spec 1.1 asks for it.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ErrorCode:
    code: str
    status: int
    message: str


UNKNOWN = ErrorCode("UNKNOWN", 500, "unknown error")
UNSUPPORTED = ErrorCode("UNSUPPORTED", 405, "The operation is unsupported.")
UNAUTHORIZED = ErrorCode("UNAUTHORIZED", 401, "authentication required")
DENIED = ErrorCode("DENIED", 403, "requested access to the resource is denied")
UNAVAILABLE = ErrorCode("UNAVAILABLE", 503, "service unavailable")
TOOMANYREQUESTS = ErrorCode("TOOMANYREQUESTS", 429, "too many requests")
DIGEST_INVALID = ErrorCode("DIGEST_INVALID", 400, "provided digest did not match uploaded content")
SIZE_INVALID = ErrorCode("SIZE_INVALID", 400, "provided length did not match content length")
RANGE_INVALID = ErrorCode("RANGE_INVALID", 416, "invalid content range")
NAME_INVALID = ErrorCode("NAME_INVALID", 400, "invalid repository name")
NAME_UNKNOWN = ErrorCode("NAME_UNKNOWN", 404, "repository name not known to registry")
TAG_INVALID = ErrorCode("TAG_INVALID", 400, "manifest tag did not match URI")
TOO_MANY_TAGS = ErrorCode("TAG_INVALID", 414, "too many tags")
MANIFEST_UNKNOWN = ErrorCode("MANIFEST_UNKNOWN", 404, "manifest unknown")
MANIFEST_INVALID = ErrorCode("MANIFEST_INVALID", 400, "manifest invalid")
MANIFEST_TOO_LARGE = ErrorCode("MANIFEST_INVALID", 413, "manifest invalid")
MANIFEST_BLOB_UNKNOWN = ErrorCode("MANIFEST_BLOB_UNKNOWN", 400, "blob unknown to registry")
BLOB_UNKNOWN = ErrorCode("BLOB_UNKNOWN", 404, "blob unknown to registry")
BLOB_UPLOAD_UNKNOWN = ErrorCode("BLOB_UPLOAD_UNKNOWN", 404, "blob upload unknown to registry")
BLOB_UPLOAD_INVALID = ErrorCode("BLOB_UPLOAD_INVALID", 404, "blob upload invalid")
BLOB_UPLOAD_MALFORMED = ErrorCode("BLOB_UPLOAD_INVALID", 400, "blob upload invalid")
PAGINATION_NUMBER_INVALID = ErrorCode("PAGINATION_NUMBER_INVALID", 400, "invalid number of results requested")


class OciError(Exception):
    """One error of the table, or several of one status; `headers` go onto the answer.

    `detail` is any JSON value: text that names the mend, a digest, or the reference's own shape.
    """

    def __init__(
        self,
        code: ErrorCode,
        detail: Any = None,
        *,
        message: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        more: tuple["OciError", ...] = (),
    ) -> None:
        super().__init__(f"{code.code}: {message or code.message}: {detail}")
        self.code = code
        self.detail = detail
        self.message = message or code.message
        self.headers = headers
        self.more = more

    def document(self) -> dict[str, Any]:
        """`{"errors": [{"code", "message", "detail"?}]}` (OCI distribution-spec, error codes)."""
        return {"errors": [error.entry() for error in (self, *self.more)]}

    def entry(self) -> dict[str, Any]:
        found: dict[str, Any] = {"code": self.code.code, "message": self.message}
        if self.detail is not None:
            found["detail"] = self.detail
        return found

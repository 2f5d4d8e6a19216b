"""What the receiver answers besides the codes it shares with the registry; one shape for both."""

from registryhub.oci.errors import ErrorCode

ENVELOPE_INVALID = ErrorCode("ENVELOPE_INVALID", 400, "the body is no envelope of events")
ENVELOPE_INCOMPLETE = ErrorCode("ENVELOPE_INVALID", 400, "the body ended early")
ENVELOPE_TOO_LARGE = ErrorCode("ENVELOPE_TOO_LARGE", 413, "the envelope is too large")
MEDIA_TYPE_UNSUPPORTED = ErrorCode("MEDIA_TYPE_UNSUPPORTED", 415, "the media type is not understood")

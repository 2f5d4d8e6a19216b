"""What an event counts as. Pure; rule version 1, published in docs/counting.md."""

from datetime import datetime, timedelta
from typing import Literal

from notifications.events import MEDIA_TYPE_UNTOLD

RULE_VERSION = 1

Counted = Literal["pull", "check", "push"]

MANIFEST_TYPES = frozenset(
    (
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
        MEDIA_TYPE_UNTOLD,
    )
)
BLOB_TYPE = "application/octet-stream"

FIRST_REGISTRY = datetime.fromisoformat("2013-01-01T00:00:00+00:00")
MAX_AHEAD = timedelta(hours=1)


def classify(action: str, *, method: str, media_type: str, tag: str) -> Counted | None:
    """None for blobs, mounts and deletes. `method` is that of the request, "" when the sender leaves it out."""
    if action not in ("pull", "check", "push") or not is_manifest(media_type, tag):
        return None
    if action == "pull" and method.upper() == "HEAD":  # how other registries report a check
        return "check"
    return action  # type: ignore[return-value]


def is_manifest(media_type: str, tag: str) -> bool:
    """By its media type; of unknown types what has a tag is a manifest, since nothing else can be tagged."""
    essence = media_type.partition(";")[0].strip().lower()
    if essence in MANIFEST_TYPES:
        return True
    return bool(tag) and essence != BLOB_TYPE


def happened_at(occurred_at: datetime, received_at: datetime) -> datetime:
    """When the event is counted: at its own time, never at that of receipt.

    But a clock that says what cannot be (over an hour after it was received, or before the first registry) is not
    believed: such an event would lead every board of "the last days" for ever.
    """
    if FIRST_REGISTRY <= occurred_at <= received_at + MAX_AHEAD:
        return occurred_at
    return received_at

"""What an event is to the counters. Pure; rule version 1, published in docs/counting.md."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

from notifications import facts
from notifications.analytics.clients import Audience
from notifications.analytics.sessions import Ask, Kind
from notifications.events import MEDIA_TYPE_UNTOLD

RULE_VERSION = 1

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
INDEX_TYPES = frozenset(
    ("application/vnd.docker.distribution.manifest.list.v2+json", "application/vnd.oci.image.index.v1+json")
)
BLOB_TYPE = "application/octet-stream"

COUNTED: frozenset[Audience] = frozenset(("unknown", "ci"))
"""Whose pulls and checks are counted; the pulls of all others stand beside them as `excluded`."""

FIRST_REGISTRY = datetime.fromisoformat("2013-01-01T00:00:00+00:00")
MAX_AHEAD = timedelta(hours=1)

Deed = Literal["pull", "check", "push", "blob", "mount"]

_ATTACHED_TAG = re.compile(r"sha256-[0-9a-f]{64}(\.[a-z0-9]+)?|sha512-[0-9a-f]{128}(\.[a-z0-9]+)?")


def deed(action: str, *, method: str, media_type: str, tag: str) -> Deed | None:
    """What was done; None for what counts for nothing: blobs that were pushed or looked at, and deletes.

    Pulls, checks and pushes are of manifests. `method` is that of the request, "" when the sender leaves it out.
    """
    if action == "mount":
        return "mount"
    if action not in ("pull", "check", "push"):
        return None
    is_look = action == "check" or (action == "pull" and method.upper() == "HEAD")  # how other registries report it
    if is_manifest(media_type, tag):
        return "check" if is_look else action  # type: ignore[return-value]
    return "blob" if action == "pull" and not is_look else None


def ask(
    second: int, tag: str, digest: str, media_type: str, *, is_get: bool, known: facts.Facts = facts.NOTHING
) -> Ask:
    """The request for a manifest, for what it belongs together with."""
    kind = kind_of(media_type, tag, is_attached=known.is_attached)
    return Ask(second, is_get, tag, digest, kind, known.children if kind == Kind.INDEX and is_get else ())


def kind_of(media_type: str, tag: str, *, is_attached: bool = False) -> Kind:
    """Attachments (signatures, SBOMs) of older clients are told by their tags, which name the digest they are for."""
    if is_attached or (tag and _names_a_digest(tag)):
        return Kind.ATTACHED
    return Kind.INDEX if _essence(media_type) in INDEX_TYPES else Kind.IMAGE


def is_manifest(media_type: str, tag: str) -> bool:
    """By its media type; of unknown types what has a tag is a manifest, since nothing else can be tagged."""
    essence = _essence(media_type)
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


@lru_cache(maxsize=1024)
def _essence(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def _names_a_digest(tag: str) -> bool:
    return tag.startswith("sha") and _ATTACHED_TAG.fullmatch(tag) is not None

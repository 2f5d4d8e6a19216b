"""What may have changed, as the events of the log say. What is so now the rows say."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from notifications.log.consume import LoggedEvent
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.oci.digests import Digest, parse_digest
from registryhub.oci.errors import OciError
from registryhub.oci.names import parse_repository, parse_tag


@dataclass(slots=True)
class TagChanges:
    """What a tag was pushed to, since it was last deleted if `was_deleted`."""

    was_deleted: bool = False
    digests: set[Digest] = field(default_factory=set)


@dataclass(slots=True)
class Changes:
    """Of one repository. `removed` are those of its digests that were deleted; all is in question when `is_emptied`."""

    is_emptied: bool = False
    digests: set[Digest] = field(default_factory=set)
    removed: set[Digest] = field(default_factory=set)
    tags: dict[str, TagChanges] = field(default_factory=dict)


def collect_changes(events: Iterable[LoggedEvent]) -> dict[str, Changes]:
    """Ten thousand pushes of one tag come to one entry. Events of other registries do not concern this tree."""
    found: dict[str, Changes] = {}
    for event in events:
        if event.source_id == HUB_SOURCE_ID and event.action in ("push", "mount", "delete"):
            try:
                _add(found, event)
            except OciError:
                continue  # no row can have such a name
    return found


def _add(found: dict[str, Changes], event: LoggedEvent) -> None:
    repository = parse_repository(event.repository)
    digest = parse_digest(event.digest) if event.digest else None
    tag = parse_tag(event.tag) if event.tag else ""
    is_deletion = event.action == "delete"
    if is_deletion and digest is None and not tag:
        found[repository] = Changes(is_emptied=True)
        return
    changes = found.setdefault(repository, Changes())
    if digest is not None:
        changes.digests.add(digest)
        if is_deletion:
            changes.removed.add(digest)
    if tag and is_deletion:
        changes.tags[tag] = TagChanges(was_deleted=True)
    elif tag and digest is not None:
        changes.tags.setdefault(tag, TagChanges()).digests.add(digest)

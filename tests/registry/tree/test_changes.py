from datetime import UTC, datetime
from typing import Any

from notifications.log.consume import LoggedEvent
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.oci.digests import Digest
from registryhub.registry.tree.changes import Changes, TagChanges, collect_changes

ONE, TWO = Digest("sha256", "1" * 64), Digest("sha256", "2" * 64)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def event(action: str, *, tag: str = "", digest: Digest | None = None, **fields: Any) -> LoggedEvent:
    plain = LoggedEvent(
        1, HUB_SOURCE_ID, "id", NOON, NOON, action, "app", tag, str(digest or ""), "", 0, "", "", "", "PUT", "", "{}"
    )
    return plain._replace(**fields)


def test_many_pushes_of_a_tag_come_to_one_entry() -> None:
    """Whatever they pushed is to be looked at, and belongs into the index of the tag."""
    found = collect_changes([event("push", tag="1", digest=digest) for digest in (ONE, TWO) * 5000])
    assert found == {"app": Changes(digests={ONE, TWO}, tags={"1": TagChanges(digests={ONE, TWO})})}


def test_a_deleted_tag_forgets_what_it_pointed_at() -> None:
    """What it is pushed to afterwards is all that its index shall hold."""
    events = [event("push", tag="1", digest=ONE), event("delete", tag="1"), event("push", tag="1", digest=TWO)]
    (changes,) = collect_changes(events).values()
    assert changes.tags == {"1": TagChanges(was_deleted=True, digests={TWO})}
    assert changes.digests == {ONE, TWO}


def test_what_was_deleted_is_told_apart() -> None:
    """Only that may have to be removed."""
    (changes,) = collect_changes([event("mount", digest=ONE), event("delete", digest=TWO)]).values()
    assert (changes.digests, changes.removed) == ({ONE, TWO}, {TWO})


def test_a_repository_that_is_deleted_makes_everything_before_it_idle() -> None:
    """And what comes after it counts."""
    found = collect_changes([event("push", tag="1", digest=ONE), event("delete"), event("push", digest=TWO)])
    assert found == {"app": Changes(is_emptied=True, digests={TWO})}


def test_events_that_are_none_of_this_tree_are_passed_over() -> None:
    """Pulls, other registries, and names that no row can have."""
    events = [
        event("pull", tag="1", digest=ONE),
        event("push", tag="1", digest=ONE, source_id=HUB_SOURCE_ID + 1),
        event("push", digest=ONE, repository="../../etc"),
        event("push", tag="..", digest=ONE),
        event("push", digest=ONE)._replace(digest="sha256:../../passwd"),
    ]
    assert collect_changes(events) == {}

"""What events say, and that the quick way of composing them says the same as the plain one."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from notifications import events, facts
from notifications.events import Reference
from notifications.facts import NOTHING, Facts
from notifications.log.journal import JournalUnavailable
from notifications.log.readers import ReadEvent, read_journal
from notifications.log.speaker import source
from registryhub.registry import announce
from registryhub.registry.announce import RequestContext
from tests.registry.journals import JournalReader
from tests.registry.stage import CONTEXT, changed, stored_events

DIGEST = f"sha256:{'0' * 64}"
MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
REFERENCES = (Reference("application/x", f"sha256:{'1' * 64}", 0), Reference('quo"ted', f"sha256:{'2' * 64}", 9))


@pytest.fixture
def with_references(settings: Any) -> None:
    """`notifications.events.includereferences: true`."""
    settings.HUB = changed(settings.HUB, notifications__events__includereferences=True)


def target(size: int = 7, known: Facts = NOTHING) -> announce.Target:
    manifest = Reference(MEDIA_TYPE, DIGEST, size)
    return announce.manifest_target("team/app", manifest, references=REFERENCES, known=known)


CONTEXTS = [
    CONTEXT,
    CONTEXT._replace(actor="", address="", host="", user_agent="", base_url="/"),
    CONTEXT._replace(user_agent='a"b\\c\x01é\u2028', actor='x"y', host='h"\\', base_url='http://h"\\/pre/'),
]


@pytest.mark.parametrize("context", CONTEXTS)
@pytest.mark.parametrize("tag", ["", "v1.0_x-y"])
@pytest.mark.parametrize("size", [0, 7])
@pytest.mark.parametrize("includereferences", [False, True])
def test_a_pull_line_is_byte_for_byte_the_plain_document(
    journal: JournalReader, settings: Any, context: RequestContext, tag: str, size: int, includereferences: bool
) -> None:
    """Same keys, same order, compact; with every text that JSON must escape."""
    settings.HUB = changed(settings.HUB, notifications__events__includereferences=includereferences)
    announce.manifest_pulled(context, target(size=size), tag)
    (line,) = journal.lines()
    event = events.parse(line)
    assert line == events.encode(event)
    address, instance_id = source()
    assert event == events.Event(
        id=event.id,
        timestamp=event.timestamp,
        action="pull",
        repository="team/app",
        tag=tag,
        digest=DIGEST,
        media_type=MEDIA_TYPE,
        size=size,
        url=f"{context.base_url}v2/team/app/manifests/{DIGEST}",
        references=REFERENCES if includereferences else (),
        request_id=context.request_id,
        address=context.address,
        host=context.host,
        method=context.method,
        user_agent=context.user_agent,
        actor=context.actor,
        source_address=address,
        instance_id=instance_id,
    )


@pytest.mark.parametrize("user_agent", ["docker/28", "with\ta tab"])
@pytest.mark.parametrize("known", [NOTHING, Facts(platforms=("linux/arm64",), children=("0" * 12,), is_attached=True)])
def test_what_is_known_stands_behind_the_first_tab_of_the_line(
    journal: JournalReader, user_agent: str, known: Facts
) -> None:
    """Once a line, of pulls and of checks; what is known of nothing leaves no tab."""
    context = CONTEXT._replace(user_agent=user_agent)
    announce.manifest_pulled(context, target(known=known), "v1")
    announce.manifest_checked(context, target(known=known), "")
    announce.blob_pulled(context, "team/app", DIGEST, 12)
    raw = b"".join(path.read_bytes() for path in journal.folder.iterdir())
    assert raw.count(b"\t") == (0 if known == NOTHING else 2)
    read = [reading for reading in read_journal(raw) if isinstance(reading, ReadEvent)]
    assert [events.encode(reading.event) for reading in read] == [reading.raw for reading in read]
    assert [facts.parse(reading.facts.decode()) for reading in read] == [known, known, NOTHING]
    assert {reading.event.user_agent for reading in read} == {user_agent}


def test_a_pull_carries_the_present_time_and_an_id_of_its_own(journal: JournalReader) -> None:
    """Ids are UUIDv7 and never repeat."""
    before = datetime.now(UTC)
    for _ in range(3):
        announce.manifest_checked(CONTEXT, target(), "")
    found = journal.events()
    assert len({event.id for event in found}) == 3
    assert all(event.id[14] == "7" and event.action == "check" for event in found)
    assert all(before - timedelta(seconds=1) < event.timestamp <= datetime.now(UTC) for event in found)


def test_pulls_and_checks_of_blobs_are_octet_streams(journal: JournalReader) -> None:
    """A blob has no type of its own (reference C.2)."""
    announce.blob_pulled(CONTEXT, "team/app", DIGEST, 12)
    announce.blob_checked(CONTEXT, "team/app", DIGEST, 12)
    pull, check = journal.events()
    assert (pull.action, check.action) == ("pull", "check")
    assert (pull.media_type, pull.size, pull.tag) == ("application/octet-stream", 12, "")
    assert pull.url == f"http://hub.example.org/v2/team/app/blobs/{DIGEST}"
    assert [events.encode(event) for event in (pull, check)] == journal.lines()


@pytest.mark.django_db
def test_a_change_is_announced_on_the_transaction_that_makes_it() -> None:
    """Rolled back, nothing was said."""
    with pytest.raises(RuntimeError), transaction.atomic():
        announce.blob_pushed(CONTEXT, "team/app", DIGEST, 12)
        raise RuntimeError
    assert stored_events() == []


@pytest.mark.django_db
@pytest.mark.usefixtures("with_references")
def test_changes_say_what_the_reference_says() -> None:
    """The fields of each kind of event (reference C.2, C.3)."""
    announce.blob_pushed(CONTEXT, "team/app", DIGEST, 12)
    announce.blob_mounted(CONTEXT, "team/app", DIGEST, 12, "team/base")
    announce.blob_deleted(CONTEXT, "team/app", DIGEST)
    manifest = Reference(MEDIA_TYPE, DIGEST, 7)
    announce.manifest_pushed(CONTEXT, "team/app", manifest, tag="v1", references=REFERENCES)
    announce.manifest_deleted(CONTEXT, "team/app", DIGEST)
    announce.tag_deleted(CONTEXT, "team/app", "v1")
    targets = [events.document(event)["target"] for event in stored_events()]
    blob = {"mediaType": "application/octet-stream", "digest": DIGEST, "size": 12, "length": 12}
    blob["repository"] = "team/app"
    url = f"http://hub.example.org/v2/team/app/blobs/{DIGEST}"
    gone = {"mediaType": "", "digest": DIGEST, "size": 0, "repository": "team/app"}
    assert targets[0] == {**blob, "url": url}
    assert targets[1] == {**blob, "fromRepository": "team/base", "url": url}
    assert targets[2] == gone
    assert targets[3]["tag"] == "v1"
    assert [item["digest"] for item in targets[3]["references"]] == [item.digest for item in REFERENCES]
    assert targets[4] == gone
    assert targets[5] == {**gone, "digest": "", "tag": "v1"}
    assert {event.actor for event in stored_events()} == {"ann"}


def test_a_pull_that_cannot_be_kept_is_refused(journal: JournalReader) -> None:
    """The caller answers 503 rather than let a pull go uncounted."""
    journal.folder.parent.mkdir(exist_ok=True)
    journal.folder.write_text("a file where the folder should be")
    with pytest.raises(JournalUnavailable):
        announce.manifest_pulled(CONTEXT, target(), "")
    journal.folder.unlink()


def test_the_source_names_this_server_and_this_start() -> None:
    """`source.addr` is `host:port`; the instance is the same for all events of a process."""
    address, instance_id = source()
    assert address.rpartition(":")[2].isdigit()
    assert source() == (address, instance_id)
    assert instance_id[14] == "7"

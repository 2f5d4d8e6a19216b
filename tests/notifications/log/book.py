"""Consumers of these tests that write down what they get, and what they have written."""

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction

from notifications.log.consume import BatchConsumer, Feed, LoggedEvent, StreamConsumer
from registryhub.access.models import HUB_SOURCE_ID, Repository


def consumers() -> Sequence[BatchConsumer | StreamConsumer]:
    """One that makes a row for every event, and one that writes the number of every event to a file."""
    return (BatchConsumer("book", write_down, 7), StreamConsumer("diary", keep_diary))


def write_down(events: Sequence[LoggedEvent]) -> None:
    """Fails when an event comes twice: names are unique."""
    Repository.objects.bulk_create(
        Repository(source_id=HUB_SOURCE_ID, name=f"saw-{event.seq}-{event.event_id}") for event in events
    )


def keep_diary(feed: Feed) -> None:
    """At least once: the file is written first, the position moves after it."""
    with (settings.DATA_DIR / "diary").open("a") as diary:
        while not feed.stopping:
            events = feed.read(5)
            if not events:
                feed.wait(1)
                continue
            diary.writelines(f"{event.seq}\n" for event in events)
            diary.flush()
            with transaction.atomic():
                feed.move(events[-1].seq)


def booked() -> list[str]:
    """Ids of the events that `write_down` has seen, in their order."""
    rows = Repository.objects.filter(name__startswith="saw-").values_list("name", flat=True)
    seen = [name.split("-", 2) for name in rows]
    return [id_ for _, _, id_ in sorted(seen, key=lambda row: int(row[1]))]


def diary() -> set[int]:
    """Numbers of the events that `keep_diary` has seen."""
    path = settings.DATA_DIR / "diary"
    return set(map(int, path.read_text().split())) if path.exists() else set()

"""Events for the tests of the log, and intake rows that hold them."""

from collections.abc import Iterable
from datetime import UTC, datetime

from notifications import events
from notifications.log import intake, leases, sequence
from notifications.log.consume import LoggedEvent
from notifications.log.models import Event
from notifications.log.sequence import Sequencer
from registryhub.access.models import HUB_SOURCE_ID

PULL = events.Event(
    id="",
    timestamp=datetime(2026, 11, 24, 12, 30, 15, 123456, tzinfo=UTC),
    action="pull",
    repository="library/app",
    tag="latest",
    digest="sha256:" + "a" * 64,
    media_type="application/vnd.oci.image.manifest.v1+json",
    size=1234,
    request_id="r-1",
    address="203.0.113.9:4711",
    host="hub.example.org",
    method="GET",
    user_agent="docker/27.1",
    actor="ann",
    source_address="hub:5000",
    instance_id="i-1",
)


def pull(id_: str = "", **fields: object) -> bytes:
    """One event as the wire has it; a pull unless `fields` say otherwise."""
    return events.encode(PULL._replace(id=id_ or events.new_id(), **fields))  # type: ignore[arg-type]


def lines(ids: Iterable[str]) -> bytes:
    """What a journal segment holds: a pull for each id."""
    return b"".join(pull(id_) + b"\n" for id_ in ids)


def store(*ids: str, source_id: int = HUB_SOURCE_ID) -> None:
    """An intake row as the shipper makes it, with a pull for each id."""
    intake.store(source_id=source_id, kind="journal", raw=lines(ids))


def new_sequencer(holder: str = "test") -> Sequencer:
    """Take the lead, which must be free."""
    found = sequence.lead(holder)
    assert found is not None
    return found


def run_dry(sequencer: Sequencer) -> list[LoggedEvent]:
    """Sequence until the intake is empty; the new events."""
    moved: list[LoggedEvent] = []
    while (events_of_step := sequencer.step()) is not None:
        moved += events_of_step
    return moved


def sequence_all() -> list[LoggedEvent]:
    """Sequence what is in the intake, as the only process there is."""
    sequencer = new_sequencer()
    moved = run_dry(sequencer)
    leases.release(sequencer.lease)
    return moved


def logged() -> list[tuple[int, str]]:
    """(number, id) of every event in the log."""
    return list(Event.objects.order_by("seq").values_list("seq", "event_id"))


def intake_pull(id_: str, *, source_id: int = HUB_SOURCE_ID, **fields: object) -> None:
    """An intake row as a push makes it; a pull unless `fields` say otherwise."""
    intake.store(source_id=source_id, kind="event", raw=pull(id_, **fields))

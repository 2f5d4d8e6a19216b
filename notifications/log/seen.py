"""The ids of the events in the log, by which one that comes again is told; after a while they are forgotten.

Nothing is counted twice: an id is kept at least until the time that its event claims for itself lies before the
cutoff, and from the moment on in which it is forgotten, in the same transaction, everything of its source that claims
a time before the cutoff is refused as late. Whoever compares reads the ids first and the cutoffs after them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from notifications.log.consume import LoggedEvent
from notifications.log.models import Intake, SourceTally
from registryhub.database.arrays import as_list, one_of
from registryhub.database.bulk import Values, moment_adapter
from registryhub.database.transactions import relaxed_transaction

COLUMNS = ("source_id", "event_id", "seen_at")
FORGOTTEN_AT_ONCE = 1000

_FORGET = {
    "postgresql": "DELETE FROM log_seenevent WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM log_seenevent WHERE seen_at < %s ORDER BY seen_at LIMIT %s)) RETURNING source_id",
    "sqlite": "DELETE FROM log_seenevent WHERE rowid IN ("
    "SELECT rowid FROM log_seenevent WHERE seen_at < %s ORDER BY seen_at LIMIT %s) RETURNING source_id",
}

Identity = tuple[int, str]


def find_seen(identities: Iterable[Identity]) -> set[Identity]:
    """Which of them are in the log already."""
    ids_of: dict[int, list[str]] = {}
    for source_id, id_ in identities:
        ids_of.setdefault(source_id, []).append(id_)
    return {(source_id, id_) for source_id, ids in ids_of.items() for id_ in _find_seen_ids(source_id, ids)}


def read_cutoffs() -> Mapping[int, datetime]:
    """By source, the time before which ids have been forgotten; sources of which nothing was are not in it."""
    tallies = SourceTally.objects.values_list("source_id", "forgotten_to")
    return {source_id: moment for source_id, moment in tallies if moment is not None}


def seen_rows(events: Sequence[LoggedEvent]) -> Sequence[Values]:
    """The rows of new events. Of one that claims to come from the future the id is kept for as much longer."""
    adapt = moment_adapter() or _as_it_is
    now = datetime.now(UTC)
    stored_now = adapt(now)
    return [
        (event.source_id, event.event_id, stored_now if event.occurred_at <= now else adapt(event.occurred_at))
        for event in events
    ]


def forget(keep_seconds: float, is_stopping: Callable[[], bool]) -> None:
    """Forget ids that are older, in short transactions. May be done again, and by several, at any time."""
    cutoff = _oldest_to_come() - timedelta(seconds=keep_seconds)
    while not is_stopping() and _forget_some(cutoff) == FORGOTTEN_AT_ONCE:
        pass


def _as_it_is(moment: datetime) -> datetime:
    return moment


def _oldest_to_come() -> datetime:
    """What waits to be numbered was made in time, however long no relay has run."""
    waiting = Intake.objects.order_by("pk").values_list("received_at", flat=True).first()
    return min(timezone.now(), waiting) if waiting else timezone.now()


def _forget_some(cutoff: datetime) -> int:
    """How many ids were forgotten."""
    with relaxed_transaction(), connection.cursor() as cursor:
        moment = connection.ops.adapt_datetimefield_value(cutoff)
        cursor.execute(_FORGET[connection.vendor], (moment, FORGOTTEN_AT_ONCE))
        forgotten = [source_id for (source_id,) in cursor.fetchall()]
        sources = set(forgotten)
        SourceTally.objects.bulk_create([SourceTally(source_id=each) for each in sources], ignore_conflicts=True)
        earlier = Q(forgotten_to=None) | Q(forgotten_to__lt=cutoff)
        SourceTally.objects.filter(earlier, source_id__in=sources).update(forgotten_to=cutoff)
    return len(forgotten)


def _find_seen_ids(source_id: int, ids: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT event_id FROM log_seenevent WHERE source_id = %s AND {one_of('event_id')}",  # noqa: S608
            (source_id, as_list(ids)),
        )
        return [id_ for (id_,) in cursor.fetchall()]

"""How an endpoint does, in words and numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifications.delivery.backlog import Backlog, describe, measure_backlogs
from notifications.delivery.models import Endpoint

State = Endpoint.State

_TONES = {
    State.DELIVERING: "ok",
    State.RETRYING: "wait",
    State.BACKING_OFF: "bad",
    State.PAUSED: "wait",
    State.DISABLED: "still",
    State.ABSENT: "still",
}


@dataclass(frozen=True, slots=True)
class EndpointState:
    """A line of the list. `success` is the part of all attempts that were accepted, None before the first."""

    endpoint: Endpoint
    backlog: Backlog
    words: str
    tone: str
    attempts: int
    success: str | None


def read_states(endpoints: Iterable[Endpoint], now: datetime) -> Sequence[EndpointState]:
    """The state of each, in their order."""
    rows = list(endpoints)
    backlogs = measure_backlogs(rows)
    return [describe_state(row, backlogs[row.pk], now) for row in rows]


def describe_state(endpoint: Endpoint, backlog: Backlog, now: datetime) -> EndpointState:
    """What a line of the list says of one whose backlog is known."""
    attempts = endpoint.successes + endpoint.failures + endpoint.errors
    is_forgotten = endpoint.is_active and not backlog.is_attended
    return EndpointState(
        endpoint=endpoint,
        backlog=backlog,
        words=describe(endpoint, backlog, now),
        tone="wait" if is_forgotten else _TONES[endpoint.state],
        attempts=attempts,
        success=write_share(endpoint.successes, attempts) if attempts else None,
    )


def write_share(part: int, whole: int) -> str:
    """A percentage that is 100 only when nothing is missing: 9999 of 10000 → 99.99 %, 1 of 3 → 33.3 %."""
    if part == whole:
        return "100 %"
    share = 100 * part / whole
    return f"{min(share, 99.99):.2f} %" if share >= 99 else f"{share:.1f} %"

"""Which events go into one request."""

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from notifications.delivery.filtering.filters import Filter
from notifications.delivery.sending.parcels import Batch, Parcel, gather_seconds, pack
from notifications.log.consume import LoggedEvent
from registryhub.access.models import HUB_SOURCE_ID

MOMENT = datetime(2026, 11, 24, tzinfo=UTC)
WANTED = Filter(frozenset({"pull"}), frozenset(), sends_blob_pulls=True)


def event(seq: int, action: str = "push") -> LoggedEvent:
    texts = ("lib/img", "", "", "", 0, "", "", "", "PUT", "", "{}")
    return LoggedEvent(seq, HUB_SOURCE_ID, f"event-{seq}", MOMENT, MOMENT, action, *texts)


@given(st.lists(st.sampled_from(("push", "pull")), max_size=50), st.integers(1, 7))
def test_every_wanted_event_is_in_one_parcel_in_order(actions: list[str], size: int) -> None:
    """None is larger than it may be, only the last is smaller, and each ends before the next begins."""
    events = [event(seq, action) for seq, action in enumerate(actions, 1)]
    parcels = list(pack(events, WANTED, size))
    full = [parcel for parcel in parcels if parcel.events]
    assert [each for parcel in full for each in parcel.events] == [each for each in events if each.action == "push"]
    assert all(len(parcel.events) == size for parcel in full[:-1])
    ends = [parcel.end for parcel in parcels]
    assert ends == sorted(ends)
    assert ends[-1:] == [each.seq for each in events[-1:]]
    for parcel, following in itertools.pairwise(full):
        assert parcel.end < following.events[0].seq


def test_a_batch_gathers_as_long_as_its_first_event_may_wait() -> None:
    """Counted from when it came in; a clock that was set back makes nobody wait longer."""
    parcel, batch = Parcel([event(1), event(2)], 2), Batch(10, 5.0)
    assert gather_seconds(parcel, batch, MOMENT + timedelta(seconds=2)) == 3.0
    assert gather_seconds(parcel, batch, MOMENT + timedelta(seconds=9)) == 0.0
    assert gather_seconds(parcel, batch, MOMENT - timedelta(hours=1)) == 5.0

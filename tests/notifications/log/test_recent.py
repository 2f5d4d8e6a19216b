import pytest

from notifications.log import recent
from notifications.log.consume import LoggedEvent
from notifications.log.recent import Recent
from tests.notifications.log.making import sequence_all, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def events() -> list[LoggedEvent]:
    store(*(f"e{number}" for number in range(10)))
    return sequence_all()


@pytest.mark.parametrize("known", [slice(0, 0), slice(0, 10), slice(4, 10), slice(0, 4), slice(9, 10)])
def test_memory_and_database_say_the_same(events: list[LoggedEvent], known: slice) -> None:
    """Whatever is in memory, what follows a position is what the log has; a part of it may come first."""
    kept = Recent()
    kept.add(events[known])
    for position in range(11):
        for limit in (1, 3, 100):
            found = kept.after(position, limit)
            assert found == events[position : position + len(found)]
            assert len(found) <= limit
            assert bool(found) is (position < 10)


def test_only_the_newest_are_kept(events: list[LoggedEvent], monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded however long the log gets."""
    monkeypatch.setattr(recent, "_KEPT", 2)
    kept = Recent()
    for event in events:
        kept.add([event])
        assert len(kept._events) <= 4
    assert kept.after(8, 10) == events[8:]


def test_a_gap_is_never_hidden(events: list[LoggedEvent]) -> None:
    """Another relay has led in between: what came before it is forgotten."""
    kept = Recent()
    kept.add(events[:3])
    kept.add(events[6:])
    kept.add([])
    assert kept.after(2, 3) == events[2:5]
    assert kept.after(6, 3) == events[6:9]

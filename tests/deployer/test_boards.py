"""What runs soonest after it was pushed."""

from datetime import timedelta

import pytest
from django.utils import timezone

from deployer.models import Deployment
from notifications.analytics.boards import boards, read_board
from notifications.analytics.scope import Scope
from notifications.analytics.windows import Window
from notifications.log.models import Event
from registryhub.access.models import HUB_SOURCE_ID
from tests.webui.operations.scene import make_deployment, make_service

pytestmark = pytest.mark.django_db

NOW = timezone.now()
HUB = Scope(source_id=HUB_SOURCE_ID, sees_private=True)


def ran(repository: str, seconds: float, *, ago: timedelta = timedelta(hours=1), state: str = "succeeded") -> None:
    """A push, and a deployment that ended so many seconds after it."""
    seq = Event.objects.count() + 1
    Event.objects.create(
        seq=seq,
        source_id=HUB_SOURCE_ID,
        event_id=str(seq),
        occurred_at=NOW - ago - timedelta(seconds=seconds),
        received_at=NOW - ago,
        action="push",
        repository=repository,
        tag="v1",
        raw="{}",
    )
    deployment = make_deployment(make_service(f"service-{seq}"), repository=repository, first_seq=seq, state=state)
    Deployment.objects.filter(pk=deployment.pk).update(finished_at=NOW - ago)


def board(window: Window = "7d", limit: int = 10) -> dict[str, int]:
    _, lines = read_board(boards()["fastest-to-running"], HUB, window, NOW, limit)
    return {line.repository: line.value for line in lines}


def test_the_median_of_what_succeeded_counts() -> None:
    """From the push until it ran; one slow roll-out among quick ones does not."""
    for seconds in (10, 12, 500):
        ran("quick", seconds)
    ran("slow", 60)
    ran("broken", 1, state="failed")
    assert board() == {"quick": 12, "slow": 60}
    assert board(limit=1) == {"quick": 12}


def test_a_window_has_what_ended_in_it() -> None:
    """Whose push is not in the log any more counts for nothing; staff alone see it."""
    ran("old", 5, ago=timedelta(days=40))
    ran("new", 7)
    make_deployment(make_service("forgotten"), repository="forgotten", first_seq=999)
    assert board() == {"new": 7}
    assert board("90d") == {"old": 5, "new": 7}
    assert board("all") == {"old": 5, "new": 7}
    assert boards()["fastest-to-running"].is_for_staff

"""What the doctor is told of endpoints, and that its probe never reaches them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.delivery.advice import read_advice
from notifications.delivery.filtering.filters import build_filter
from notifications.delivery.models import Endpoint
from notifications.events import MEDIA_TYPE_PROBE
from notifications.log.consume import read_events
from notifications.log.doctor.advice import Advice
from notifications.log.models import Event
from registryhub.config.hub import Events
from tests.notifications.delivery.stage import log_events

pytestmark = pytest.mark.django_db


def advise(**fields: object) -> Advice | None:
    """Of an endpoint with these fields."""
    endpoint = Endpoint.objects.create(**{"name": "ci", "url": "https://ci.example.org/hook", **fields})
    return read_advice()[endpoint.consumer_name]


def told(**fields: object) -> Advice:
    found = advise(**fields)
    assert found is not None
    assert found.title == "endpoint ci"
    return found


def test_an_endpoint_that_delivers_says_since_when() -> None:
    """Or that nothing was sent to it so far."""
    assert told().words == "nothing waits for it, and nothing was sent to it yet"
    Endpoint.objects.all().delete()
    found = told(last_success_at=timezone.now() - timedelta(minutes=5))
    assert (found.verdict, found.is_in_trouble) == (None, False)
    assert "accepted an event 5\xa0minutes ago" in found.words


def test_one_that_backs_off_says_why_and_until_when() -> None:
    """The last error, and what to look at."""
    now = timezone.now()
    found = told(
        consecutive_failures=12,
        last_error="answered 503 Service Unavailable",
        last_failure_at=now,
        backoff_seconds=60,
        next_try_at=now + timedelta(seconds=60),
    )
    assert found.is_in_trouble
    assert found.words == ("12 attempts in a row have failed: answered 503 Service Unavailable; next try in 60 s")
    assert "https://ci.example.org/hook accepts events" in found.mend


def test_one_that_is_tried_again_at_once_says_so() -> None:
    """Below the threshold nobody waits."""
    assert told(consecutive_failures=1, last_error="timed out").words.endswith("timed out; next try at once")


def test_one_that_is_paused_must_be_resumed() -> None:
    """By whoever paused it."""
    found = told(is_paused=True)
    assert (found.verdict, found.words) == ("stopped", "paused by an operator, its events wait in the log")
    assert "/resume" in found.mend


def test_one_that_the_hub_disabled_says_why() -> None:
    """As after 410 Gone."""
    found = told(stopped_at=timezone.now(), stop_reason="it answered 410 Gone")
    assert (found.verdict, found.words) == ("stopped", "disabled by the hub: it answered 410 Gone")


def test_one_that_is_not_wanted_is_no_fault() -> None:
    """Disabled by its settings, or no longer configured: then it is not even named."""
    assert told(is_disabled=True).verdict == "skipped"
    Endpoint.objects.all().delete()
    assert advise(is_absent=True) is None


@pytest.mark.parametrize("compat", [True, False])
def test_no_endpoint_gets_the_probe(compat: bool) -> None:
    """Not even where checks are sent as pulls; and it does not count as pending."""
    log_events(action="check", media_type=MEDIA_TYPE_PROBE)
    wanted = build_filter((), (), Events(compat=compat))
    assert not any(wanted.takes(event) for event in read_events(0, 10))
    assert not Event.objects.filter(wanted.condition()).exists()

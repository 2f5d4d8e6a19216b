"""With `--deliver` the doctor sends each endpoint a test event; without it, nothing."""

import pytest
from pytest_django import Settings

from notifications.delivery.doctor import try_deliveries
from notifications.delivery.endpoints import consumers
from notifications.delivery.models import Attempt, Endpoint
from registryhub.doctor.examination import Visit
from registryhub.doctor.findings import Finding
from tests.notifications.delivery.stage import configure, configured
from tests.servers.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.django_db(transaction=True)


def examine(*, delivers: bool) -> dict[str, Finding]:
    return {finding.name: finding for finding in try_deliveries(Visit(None, delivers=delivers))}


def test_each_endpoint_is_sent_a_marked_event_when_asked_for(settings: Settings) -> None:
    """A pull, so that nobody deploys by it; what came of it is told and stands in the delivery log."""
    with WebhookReceiver() as receiver:
        receiver.answer_with(503, "/down")
        configure(
            settings,
            configured("well", receiver.url_of("/well")),
            configured("down", receiver.url_of("/down")),
            configured("off", receiver.url_of("/off"), disabled=True),
        )
        consumers()
        assert examine(delivers=False) == {}
        assert receiver.requests == []
        found = examine(delivers=True)
    assert {name: finding.state for name, finding in found.items()} == {
        "delivery to down": "stopped",
        "delivery to well": "ok",
    }
    assert "503" in found["delivery to down"].words
    assert {request.path for request in receiver.requests} == {"/well", "/down"}
    assert {request.headers["registryhub-test"] for request in receiver.requests} == {"1"}
    assert [event["action"] for request in receiver.requests for event in request.events()] == ["pull", "pull"]
    assert Attempt.objects.count() == 2
    assert not Endpoint.objects.exclude(consecutive_failures=0, successes=0).exists()


def test_an_endpoint_without_settings_is_told(settings: Settings) -> None:
    """As one that the configuration of this process does not know."""
    configure(settings)
    Endpoint.objects.create(name="ci", url="https://ci.example.org/")
    assert examine(delivers=True)["delivery to ci"].words.startswith("its settings cannot be used: ")

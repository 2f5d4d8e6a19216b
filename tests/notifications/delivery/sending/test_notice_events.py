"""Messages about endpoints are events: in the log with the row, and sent to those who asked, each about others."""

import json

import pytest
from pytest_django import Settings

from notifications.analytics.reading import read
from notifications.delivery import faces
from notifications.delivery.filtering.filters import build_filter
from notifications.delivery.models import Endpoint, Notice
from notifications.delivery.sending import notices
from notifications.delivery.sending.notice_events import document_of
from notifications.log.consume import LoggedEvent, read_events
from notifications.log.models import Event, Intake
from registryhub.access.models import Repository
from registryhub.config.hub import Events
from tests.notifications.delivery.stage import configure, configured, endpoint, log_events, relay, start_at
from tests.notifications.log.making import sequence_all
from tests.servers.server import wait_until
from tests.servers.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.django_db(transaction=True)


def tell(name: str, text: str = "it was disabled") -> LoggedEvent:
    """A message about an endpoint, in the log."""
    row, _ = Endpoint.objects.get_or_create(name=name)
    told = notices.Notices(row)
    told.disabled(text)
    told.save()
    sequence_all()
    return read_events(0, 1000)[-1]


def test_a_message_is_in_the_log_and_counts_for_nothing() -> None:
    """Beside the row; it names no repository, and no counter knows it."""
    event = tell("ci/cd", "410 Gone")
    assert (event.action, event.repository) == ("notice", "-/webhooks/ci/cd")
    notice = json.loads(event.raw)["notice"]
    assert notice == {"endpoint": "ci/cd", "kind": "disabled", "level": 0, "text": Notice.objects.get().text}
    assert not read([event]).names
    assert not Repository.objects.filter(name__startswith="-").exists()
    assert not Intake.objects.exists()


def test_only_those_who_ask_are_told_and_never_about_themselves() -> None:
    """By the test of an event and by the condition of a query."""
    event = tell("a")
    assert not build_filter((), (), Events()).takes(event)
    assert build_filter((), (), Events(), notices_to="b").takes(event)
    assert not build_filter((), (), Events(), notices_to="a").takes(event)
    for name, is_told in (("", False), ("b", True), ("a", False)):
        condition = build_filter((), (), Events(), notices_to=name).condition()
        assert Event.objects.filter(condition).exists() == is_told


def test_an_endpoint_that_is_disabled_is_told_to_another(settings: Settings) -> None:
    """The one that answers 410 says nothing about itself to itself, and the pushes go on."""
    log_events(1)
    with WebhookReceiver(default=410) as gone, WebhookReceiver() as receiver:
        asked = [configured("a", gone.url, notices=True), configured("b", receiver.url, notices=True)]
        configure(settings, *asked, configured("c", receiver.url))
        start_at(0, "a", "b")
        with relay():
            assert wait_until(lambda: endpoint("a").stopped_at is not None, 10)
        sequence_all()
        start_at(1, "c")
        with relay() as running:
            running.wait_for("b", 2)
            running.wait_for("c", 2)
    assert [event["action"] for event in receiver.events()] == ["push", "notice"]
    assert receiver.events()[1]["notice"]["endpoint"] == "a"
    assert len(gone.requests) == 1


def test_each_face_says_it() -> None:
    """People read the message itself, programs its type."""
    document = document_of("ci", kind="alert", level=50, text="down for 2 h <3>")
    chat = json.loads(faces.Chat("{action} of {image}").render([document], 0.0).body)
    assert chat["text"] == "*webhook ci*: down for 2 h &lt;3&gt;"
    cloud = json.loads(faces.CloudEvents(faces.CLOUDEVENT).render([document], 0.0).body)
    assert (cloud["type"], cloud["subject"]) == ("org.registryhub.notice", "-/webhooks/ci")
    envelope = json.loads(faces.Envelope("").render([document], 0.0).body)
    assert envelope["events"][0]["notice"]["text"] == "down for 2 h <3>"

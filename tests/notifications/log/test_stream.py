"""The log as a stream, in-process: what is sent, to whom, and when it ends."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from pytest_django import Settings

from notifications.log import listing, stream, stream_api
from notifications.log.stream import Watch
from notifications.log.trimming import trim
from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.access.repositories import ensure_repository
from registryhub.config.keeping import EventLog
from tests.notifications.delivery.stage import log_events
from tests.servers.server import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def watch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    """A new one, and streams that end soon; its thread ends with the last stream."""
    found = Watch()
    monkeypatch.setattr(stream, "watch", found)
    monkeypatch.setattr(stream_api, "watch", found)
    monkeypatch.setattr(stream, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(stream, "STREAM_SECONDS", 1.0)
    yield found
    assert wait_until(lambda: not any(thread.name == "watch" for thread in threading.enumerate()), 10, 0.02)


@pytest.fixture
def ada() -> Client:
    client = Client()
    client.force_login(User.objects.create_user("ada", is_staff=True))
    return client


def read(client: Client, query: str = "", **headers: str) -> list[dict[str, str]]:
    """All parts until the stream ends, as a browser would see them; comments under the name ''."""
    answer: Any = client.get(f"/api/v1/events/stream?{query}", headers=headers)
    assert answer.status_code == 200, answer.content
    body = b"".join(answer.streaming_content).decode()
    answer.close()
    assert body.endswith("\n\n")
    return [dict(_field(line) for line in part.split("\n")) for part in body[:-2].split("\n\n")]


def _field(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.removeprefix(" ")


def seqs(parts: list[dict[str, str]]) -> list[int]:
    return [json.loads(part["data"])["seq"] for part in parts if "data" in part and "event" not in part]


def test_events_come_with_their_numbers_as_in_the_list(ada: Client) -> None:
    """The same document, in order; and first how soon to come again."""
    log_events(3)
    parts = read(ada, "after=1")
    assert parts[0] == {"retry": "1000"}
    assert [part["id"] for part in parts[1:3]] == ["2", "3"]
    listed = ada.get("/api/v1/events?after=1").json()["events"]
    assert [json.loads(part["data"])["event"] for part in parts[1:3]] == [row["event"] for row in listed]


def test_headers_keep_proxies_from_holding_it_back(ada: Client) -> None:
    """nginx hears X-Accel-Buffering."""
    answer = ada.get("/api/v1/events/stream", headers={"Accept": "text/event-stream"})
    assert answer["Content-Type"] == "text/event-stream"
    assert answer["X-Accel-Buffering"] == "no"
    assert "no-store" in answer["Cache-Control"]
    answer.close()


def test_what_happens_meanwhile_arrives_and_what_was_before_does_not(
    ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a number it begins at the head."""
    monkeypatch.setattr(stream, "STREAM_SECONDS", 5.0)
    log_events(3)

    def happen() -> None:
        time.sleep(0.2)
        log_events(2)
        connections.close_all()

    thread = threading.Thread(target=happen)
    answer: Any = ada.get("/api/v1/events/stream")
    parts = iter(answer.streaming_content)
    assert next(parts).startswith(b"retry:")
    thread.start()
    began = next(parts)
    thread.join()
    answer.close()
    assert began.startswith(b"id: 4\n")


@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_whoever_comes_again_gets_every_event_once(ada: Client, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By Last-Event-ID, which counts more than the address."""
    monkeypatch.setattr(stream, "EVENTS_AT_ONCE", at_once)
    log_events(5)
    got = seqs(read(ada, "after=0"))
    log_events(3)
    while got[-1] < 8:
        got += seqs(read(ada, "after=0", last_event_id=str(got[-1])))
    assert got == list(range(1, 9))
    assert seqs(read(ada, "after=7", last_event_id="from-elsewhere")) == [8]


def test_numbers_without_an_event_say_how_far_it_was_looked(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for little does not look at everything again each minute."""
    monkeypatch.setattr(listing, "LOOKED_AT", 4)
    log_events(10, action="pull")
    parts = read(ada, "after=0&action=delete")
    assert seqs(parts) == []
    assert [part["id"] for part in parts if "id" in part] == ["4", "8", "10"]


def test_a_heartbeat_is_a_comment(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nobody in between takes the silence for the end."""
    monkeypatch.setattr(stream, "HEARTBEAT_SECONDS", 0.05)
    log_events(1)
    parts = read(ada)
    assert {"": "waiting"} in parts
    assert seqs(parts) == []


def test_events_are_chosen_as_in_the_list(ada: Client) -> None:
    """And what does not exist is refused, as JSON even to a browser."""
    log_events(1, repository="one")
    log_events(2, repository="two", action="pull", actor="ann")
    assert seqs(read(ada, "after=0&repository=two")) == [2, 3]
    assert seqs(read(ada, "after=0&actor=ann&source=hub")) == [2, 3]
    answer = ada.get("/api/v1/events/stream?nonsense=1", headers={"Accept": "text/event-stream"})
    assert (answer.status_code, list(answer.json())) == (400, ["nonsense"])


def test_the_anonymous_see_what_is_public_and_nobody_in_it() -> None:
    """As in the list."""
    for name, is_public in (("open", True), ("closed", False)):
        Repository.objects.filter(pk=ensure_repository(HUB_SOURCE_ID, name)).update(is_public=is_public)
    log_events(1, repository="closed")
    log_events(1, repository="open", actor="ann")
    parts = read(Client(), "after=0")
    assert seqs(parts) == [2]
    assert "ann" not in json.dumps(parts)
    assert Client().get("/api/v1/events/stream?actor=ann").status_code == 400


def test_what_was_removed_before_one_came_is_told(ada: Client) -> None:
    """By an event of another name, with how many."""
    log_events(9)
    trim(EventLog.model_validate({"keep": 0, "max_events": 2}), lambda: False)
    parts = read(ada, "", last_event_id="3")
    assert parts[1] == {"event": "lost", "data": '{"events":4}'}
    assert seqs(parts) == [8, 9]


def test_so_many_streams_are_open_at_most(ada: Client, settings: Settings) -> None:
    """The next one is told when to come again; a place is free as soon as one is closed, read or not."""
    hub = settings.HUB.hub
    few = hub.log.model_copy(update={"streams": 1})
    settings.HUB = settings.HUB.model_copy(update={"hub": hub.model_copy(update={"log": few})})
    first = ada.get("/api/v1/events/stream")
    second = ada.get("/api/v1/events/stream")
    assert (second.status_code, second["Retry-After"]) == (503, "10")
    first.close()
    assert seqs(read(ada)) == []

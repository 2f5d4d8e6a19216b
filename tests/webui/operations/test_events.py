"""The log as a page."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.log import listing
from notifications.log.models import Event
from registryhub.access.models import Source
from tests.webui.operations import scene
from webui.operations import events

pytestmark = pytest.mark.django_db

ADDRESS = "203.0.113.9:4711"
AGENT = "docker/27.1 (linux)"


def numbers(page: str) -> list[int]:
    """Of the events on a page."""
    return [int(seq) for seq in re.findall(r'<td class="wide soft"><a href="/events/(\d+)">', page)]


def link(page: str, rel: str) -> str:
    """Where the link to the older or newer page leads."""
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    assert found is not None
    return "/events" + found[1].replace("&amp;", "&")


def test_the_newest_events_come_first() -> None:
    """With action, image, size and time."""
    scene.log("shop/web", tag="v2", size=41_200_000)
    scene.log("shop/api", action="pull", tag="")
    page = scene.read(scene.staff(), "/events")
    assert numbers(page) == [2, 1]
    assert "41.2 MB" in page
    assert 'href="/repositories/shop/web/-/tags/v2"' in page
    assert "9f2c4e81b0aa</code>" in page
    assert '<span class="dot pull"></span>pull' in page


def test_the_anonymous_see_what_is_public_and_nobody() -> None:
    """Neither who, nor from where, nor with what; nor how much there is in all."""
    scene.log("open/app", is_public=True, actor="ann", address=ADDRESS, user_agent=AGENT)
    scene.log("closed/app", actor="ann")
    page = scene.read(scene.visitor(), "/events")
    assert "open/app" in page
    for hidden in ("closed/app", "ann", ADDRESS, AGENT, "in the log", 'name="actor"'):
        assert hidden not in page


def test_the_anonymous_cannot_find_out_by_asking() -> None:
    """A filter that is not theirs is no filter, and one that is shows no more than they may see."""
    scene.log("open/app", is_public=True, actor="ann")
    scene.log("closed/app")
    visitor = scene.visitor()
    assert numbers(scene.read(visitor, "/events", actor="bob")) == [1]
    assert numbers(scene.read(visitor, "/events", repository="closed/app")) == []


def test_staff_see_who_it_was() -> None:
    """Actor, address and client."""
    scene.log("shop/web", actor="ann", address=ADDRESS, user_agent=AGENT)
    page = scene.read(scene.staff(), "/events")
    for shown in ("ann", ADDRESS, AGENT, "1 in the log"):
        assert shown in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [4, 3, 2, 1]),
        ({"repository": "one"}, [4, 3, 1]),
        ({"repository": "one", "source": "hub"}, [3, 1]),
        ({"repository": "two"}, [2]),
        ({"tag": "v2"}, [4, 3]),
        ({"action": "push"}, [4, 1]),
        ({"actor": "ann"}, [2]),
        ({"source": "edge"}, [4]),
        ({"repository": "one", "tag": "v2", "action": "push"}, [4]),
        ({"repository": "On"}, []),
    ],
)
def test_events_are_chosen_by_what_they_are_about(query: dict[str, str], found: list[int]) -> None:
    """Each filter alone, and together."""
    edge = Source.objects.create(name="edge")
    scene.log("one", tag="v1")
    scene.log("two", tag="v1", action="pull", actor="ann")
    scene.log("one", tag="v2", action="pull")
    scene.log("one", tag="v2", source_id=edge.pk)
    assert numbers(scene.read(scene.staff(), "/events", **query)) == found


def test_events_are_chosen_by_when_they_came_in() -> None:
    """To the minute, both ends optional."""
    now = timezone.now().replace(second=0, microsecond=0)
    for hours in (5, 3, 1):
        scene.log("one", received_at=now - timedelta(hours=hours))
    staff = scene.staff()
    four, two = ((now - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M") for hours in (4, 2))
    assert numbers(scene.read(staff, "/events", since=four)) == [3, 2]
    assert numbers(scene.read(staff, "/events", until=four)) == [1]
    assert numbers(scene.read(staff, "/events", since=four, until=two)) == [2]


@pytest.mark.parametrize(
    ("name", "value"), [("action", "steal"), ("since", "yesterday"), ("source", "77"), ("tag", "x" * 129)]
)
def test_a_filter_that_cannot_be_read_is_said_beside_it(name: str, value: str) -> None:
    """And nothing is looked for."""
    Source.objects.create(name="edge")
    scene.log("one")
    page = scene.read(scene.staff(), "/events", **{name: value})
    assert f'id="id_{name}_error"' in page
    assert numbers(page) == []


def test_pages_lead_to_the_beginning_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older, older, newer, newer: every event once on each way; the filter stays."""
    monkeypatch.setattr(events, "EVENTS_ON_A_PAGE", 2)
    scene.log("one", count=5)
    staff = scene.staff()
    first = scene.read(staff, "/events?repository=one")
    second = scene.read(staff, link(first, "next"))
    third = scene.read(staff, link(second, "next"))
    assert [numbers(page) for page in (first, second, third)] == [[5, 4], [3, 2], [1]]
    assert "Newer" not in first
    assert "Older" not in third
    assert "repository=one" in link(third, "prev")
    back = scene.read(staff, link(third, "prev"))
    assert numbers(back) == [3, 2]
    assert numbers(scene.read(staff, link(back, "prev"))) == [5, 4]
    assert numbers(scene.read(staff, link(back, "next"))) == [1]


def test_new_events_do_not_shift_an_older_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page is said by numbers, not by how many come before it."""
    monkeypatch.setattr(events, "EVENTS_ON_A_PAGE", 2)
    scene.log("one", count=4)
    staff = scene.staff()
    older = link(scene.read(staff, "/events"), "next")
    scene.log("one", count=7)
    assert numbers(scene.read(staff, older)) == [2, 1]


@pytest.mark.parametrize("cursor", ["", "nonsense", "before-", "after-99999999999999999999", "before-0", "after-77"])
def test_any_cursor_is_answered(cursor: str) -> None:
    """Whatever somebody writes into the address."""
    scene.log("one")
    assert scene.staff().get("/events", {"cursor": cursor}).status_code == 200


def test_a_search_that_finds_nothing_near_says_how_far_it_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    """And leads on from there."""
    monkeypatch.setattr(listing, "LOOKED_AT", 3)
    scene.log("one", tag="rare")
    scene.log("one", count=4)
    staff = scene.staff()
    page = scene.read(staff, "/events?tag=rare")
    assert "None of the events looked at" in page
    assert "Looked back to number 3" in page
    assert numbers(scene.read(staff, link(page, "next"))) == [1]


def test_one_event_shows_everything_to_staff() -> None:
    """The JSON of the wire too, what it deployed, and who could not be told."""
    scene.log("shop/web", tag="v2", actor="ann", address=ADDRESS, user_agent=AGENT)
    deployment = scene.make_deployment(scene.make_service())
    scene.fail(scene.make_endpoint("ci"), error="answered 503")
    page = scene.read(scene.staff(), "/events/1")
    for shown in (scene.DIGEST, "ann", ADDRESS, AGENT, "&quot;timestamp&quot;", "answered 503"):
        assert shown in page
    assert f'href="/deployments/{deployment.pk}"' in page


def test_one_event_shows_the_others_what_is_public() -> None:
    """What is not public is not there."""
    scene.log("open/app", is_public=True, actor="ann", address=ADDRESS, user_agent=AGENT, from_repository="closed/app")
    scene.log("closed/app")
    visitor = scene.visitor()
    page = scene.read(visitor, "/events/1")
    assert scene.DIGEST in page
    for hidden in ("ann", ADDRESS, AGENT, "closed/app", "&quot;timestamp&quot;", "event-1"):
        assert hidden not in page
    assert visitor.get("/events/2").status_code == 404


def test_what_comes_from_outside_is_text() -> None:
    """Whoever pulls chooses their user agent."""
    names: dict[str, Any] = dict.fromkeys(
        ("tag", "actor", "address", "user_agent", "media_type", "digest"), scene.NASTY
    )
    (event,) = scene.log(scene.NASTY, **names)
    Event.objects.update(raw=json.dumps({"id": scene.NASTY}))
    staff = scene.staff()
    for path in ("/events", f"/events/{event.seq}"):
        assert scene.NASTY not in scene.read(staff, path)
    assert scene.NASTY not in scene.read(staff, "/events", repository=scene.NASTY, tag=scene.NASTY)


@pytest.mark.parametrize("who", [scene.visitor, scene.staff])
@pytest.mark.parametrize(
    "path", ["/events", "/events?repository=one&since=2020-01-01T00:00&cursor=before-40", "/events/7"]
)
def test_a_page_costs_few_queries_however_much_there_is(who: object, path: str) -> None:
    """The same for ten events and for a hundred."""
    scene.log("one", count=10, is_public=True)
    client: Client = who()  # type: ignore[operator]
    with CaptureQueriesContext(connection) as few:
        scene.read(client, path)
    scene.log("one", count=90, is_public=True)
    with CaptureQueriesContext(connection) as many:
        scene.read(client, path)
    assert len(few) == len(many) <= scene.MOST_QUERIES
    assert Event.objects.count() == 100

"""Sources as pages."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.log.models import QuarantinedEvent, SourceTally
from notifications.receiver.sources import add_signing_source, add_source
from registryhub.access.models import HUB_SOURCE_ID, Source
from registryhub.access.repositories import ensure_repository
from registryhub.access.source_secrets import read_secrets
from registryhub.access.tokens import find_source
from tests.webui.operations import scene

pytestmark = pytest.mark.django_db


def heard_of(name: str, **fields: Any) -> Source:
    """A source from which something has come."""
    source = add_source(name)[0]
    values = {"events": 1234, "last_received_at": timezone.now() - timedelta(minutes=3)}
    SourceTally.objects.create(source=source, **{**values, "last_occurred_at": timezone.now(), **fields})
    return source


def shown_once(page: str) -> str:
    """The token or secret on a page."""
    found = re.search(r"shown this once: ([^<\s]+)", unescape(page))
    assert found is not None
    return found[1]


def test_sources_show_what_came_and_when() -> None:
    """The hub first; one from which nothing came says so."""
    heard_of("edge", duplicates=56, offset_seconds=900.0)
    add_source("a-silent-one")
    page = scene.read(scene.staff(), "/sources")
    for shown in ("this hub", "1,234", ">56<", "3 min", "15 min 0 s", "ahead", "never heard of"):
        assert shown in page
    assert re.findall(r'class="name" href="/sources/([^"]+)"', page) == ["hub", "a-silent-one", "edge"]


def test_a_source_is_made_and_its_token_is_shown_once() -> None:
    """Where to send is told; the token is on no page after that."""
    root = scene.superuser()
    form = {"name": "edge.example.org:5000", "proof": "token", "is_public": "on", "events_per_second": "2.5"}
    answer = root.post("/sources/-/new", form, follow=True)
    page = answer.content.decode()
    made = find_source(shown_once(page))
    assert made is not None
    assert (made.name, made.is_public, made.events_per_second) == ("edge.example.org:5000", True, 2.5)
    assert "http://testserver/api/v1/events/edge.example.org:5000" in page
    assert "shown this once" not in scene.read(root, "/sources/edge.example.org:5000")


def test_a_source_that_signs_is_made() -> None:
    """With a new secret, or the one its sender has made."""
    root = scene.superuser()
    page = root.post("/sources/-/new", {"name": "forge", "proof": "secret"}, follow=True).content.decode()
    assert read_secrets(Source.objects.get(name="forge")) == [shown_once(page)]
    root.post("/sources/-/new", {"name": "other", "proof": "secret", "secret": "the-sender-made-it"})
    assert read_secrets(Source.objects.get(name="other")) == ["the-sender-made-it"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": "a b"}, "no name for a source"),
        ({"name": "hub"}, "There is a source"),
        ({"name": "x", "proof": "secret", "secret": "short"}, "A secret has 16"),
        ({"name": "x", "events_per_second": "-1"}, "greater than or equal to 0"),
        ({"name": ""}, "required"),
    ],
)
def test_what_cannot_be_is_said_beside_the_field(fields: dict[str, str], told: str) -> None:
    """Nothing is made."""
    answer = scene.superuser().post("/sources/-/new", {"proof": "token", **fields})
    assert answer.status_code == 422
    assert told in unescape(answer.content.decode())
    assert Source.objects.count() == 1


def test_a_source_is_changed_disabled_and_enabled() -> None:
    """Its token finds nothing while it is disabled."""
    token = add_source("edge", events_per_second=3)[1]
    root = scene.superuser()
    assert 'value="3.0"' in scene.read(root, "/sources/edge/change")
    assert "edge is saved" in root.post("/sources/edge/change", {"is_public": "on"}, follow=True).content.decode()
    edge = Source.objects.get(name="edge")
    assert (edge.is_public, edge.events_per_second) == (True, 0.0)
    assert "edge is disabled" in root.post("/sources/edge", {"act": "disable"}, follow=True).content.decode()
    assert find_source(token) is None
    root.post("/sources/edge", {"act": "enable"})
    assert find_source(token) == edge


def test_tokens_and_secrets_are_rotated_with_a_grace() -> None:
    """Both are shown once; when the old ones end stands there."""
    token = add_source("edge")[1]
    root = scene.superuser()
    page = root.post("/sources/edge/rotate", {"proof": "token", "grace": "hour"}, follow=True).content.decode()
    assert find_source(shown_once(page)) == find_source(token) != None  # noqa: E711
    assert "it ends" in page
    page = root.post("/sources/edge/rotate", {"proof": "token", "grace": "none"}, follow=True).content.decode()
    assert find_source(token) is None
    page = root.post("/sources/edge/rotate", {"proof": "secret"}, follow=True).content.decode()
    assert read_secrets(Source.objects.get(name="edge")) == [shown_once(page)]
    page = root.post("/sources/edge/rotate", {"proof": "secret", "secret": "short"}, follow=True).content.decode()
    assert "A secret has 16" in page


def test_a_source_is_deleted_by_who_types_its_name() -> None:
    """One that has something stays, and the page says why."""
    add_signing_source("edge")
    root = scene.superuser()
    assert "type the name edge" in root.post("/sources/edge/delete", {"name": "x"}, follow=True).content.decode()
    ensure_repository(Source.objects.get(name="edge").pk, "app/web")
    refused = root.post("/sources/edge/delete", {"name": "edge"}, follow=True).content.decode()
    assert "edge has repositories" in refused
    add_source("new")
    assert "new is deleted" in root.post("/sources/new/delete", {"name": "new"}, follow=True).content.decode()
    assert list(Source.objects.order_by("pk").values_list("name", flat=True)) == ["hub", "edge"]


def test_a_clock_that_cannot_be_believed_is_told() -> None:
    """Ahead is certain; behind may be events that wait."""
    heard_of("ahead", offset_seconds=900.0)
    heard_of("behind", offset_seconds=-4000.0)
    heard_of("right", offset_seconds=-2.0)
    staff = scene.staff()
    assert "Its clock is 15 min 0 s ahead" in scene.read(staff, "/sources/ahead")
    assert "1 h 6 min old" in scene.read(staff, "/sources/behind")
    assert 'class="bar' not in scene.read(staff, "/sources/right")


def test_the_hub_itself_is_only_looked_at() -> None:
    """It has no token, and nothing about it changes here."""
    root = scene.superuser()
    page = scene.read(root, "/sources/hub")
    for absent in ('value="disable"', "/sources/hub/change", "Give a new token", "Delete this source"):
        assert absent not in page
    root.post("/sources/hub", {"act": "disable"})
    assert Source.objects.get(pk=HUB_SOURCE_ID).is_enabled
    for path in ("rotate", "delete"):
        told = root.post(f"/sources/hub/{path}", {"name": "hub", "proof": "token"}, follow=True).content.decode()
        assert 'class="bar' in told


def test_only_staff_comes_in_and_only_who_may_changes() -> None:
    """Buttons that would be refused are not there."""
    add_source("edge")
    paths = ("/sources", "/sources/edge", "/sources/-/new", "/sources/edge/change", "/sources/edge/quarantine")
    member, visitor, staff = scene.member(), scene.visitor(), scene.staff()
    for path in paths:
        assert visitor.get(path).status_code == 302
        assert member.get(path).status_code == 403
    page = scene.read(staff, "/sources/edge")
    for absent in ('value="disable"', "Give a new token", "Delete this source"):
        assert absent not in page
    assert "/sources/-/new" not in scene.read(staff, "/sources")
    for path in ("-/new", "edge", "edge/change", "edge/rotate", "edge/delete"):
        assert staff.post(f"/sources/{path}", {"act": "disable"}).status_code == 403
    for path in ("/sources/nobody", "/sources/nobody/quarantine"):
        assert staff.get(path).status_code == 404


def test_a_page_of_sources_costs_few_queries_however_many_there_are() -> None:
    """The same for one and for twenty."""
    staff = scene.staff()

    def add(name: str) -> None:
        source = heard_of(name)
        QuarantinedEvent.objects.create(source=source, raw=b"?", reason="?", received_at=timezone.now())

    add("edge-0")
    for path in ("/sources", "/sources/edge-0"):
        with CaptureQueriesContext(connection) as few:
            scene.read(staff, path)
        assert len(few) <= scene.MOST_QUERIES
    with CaptureQueriesContext(connection) as few:
        scene.read(staff, "/sources")
    for number in range(1, 20):
        add(f"edge-{number}")
    with CaptureQueriesContext(connection) as many:
        scene.read(staff, "/sources")
    assert len(few) == len(many)

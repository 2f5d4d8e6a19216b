"""Webhooks as pages."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.delivery.models import Attempt, Endpoint
from tests.webui.operations import scene
from webui.operations import deliveries
from webui.operations.endpoint_state import write_share

pytestmark = pytest.mark.django_db


def test_endpoints_show_how_they_do() -> None:
    """The state in words, what waits and since when, how much of the last day got through, and the last error."""
    scene.log("shop/web", count=3, received_at=timezone.now() - timedelta(minutes=7))
    endpoint = scene.make_endpoint("ci", position=1, last_error="answered 503", last_success_at=timezone.now())
    scene.succeed(endpoint, events=9_999)
    scene.fail(endpoint)
    Attempt.objects.filter(pk=scene.fail(endpoint).pk).update(attempted_at=timezone.now() - timedelta(hours=25))
    page = scene.read(scene.staff(), "/webhooks")
    for shown in (
        "ci",
        '<div class="note">ci.example.org</div>',
        "waiting for a relay",
        ">2</td>",
        "7 min",
        "99.99 %",
        "answered 503",
    ):
        assert shown in page


def test_without_an_endpoint_the_page_says_how_to_make_one() -> None:
    """Here, or in the configuration."""
    assert "/webhooks/-/new" in scene.read(scene.superuser(), "/webhooks")
    assert "config.yml" in scene.read(scene.staff(), "/webhooks")


def test_an_endpoint_shows_settings_but_no_secrets() -> None:
    """Headers by name, the URL without its password."""
    scene.make_endpoint(
        "ci", url="https://me:***@ci.example.org/", header_names=["Authorization"], ignored_actions=["pull"]
    )
    page = scene.read(scene.staff(), "/webhooks/ci")
    for shown in ("https://me:***@ci.example.org/", "Authorization: ***", "<div>pull</div>", "9 × at once, 1.0 s"):
        assert shown in page


def test_failed_attempts_show_what_was_answered() -> None:
    """Time, duration, status, error, the beginning of the answer, and which event it was."""
    scene.log("shop/web")
    scene.fail(scene.make_endpoint("ci"), answer="Maintenance until noon")
    page = scene.read(scene.staff(), "/webhooks/ci")
    for shown in ("250 ms", ">503</td>", "answered 503 Service Unavailable", "Maintenance until noon"):
        assert shown in page
    assert '<a href="/events/1">' in page


def test_a_long_answer_is_cut() -> None:
    """It may have eight kibibytes."""
    scene.fail(scene.make_endpoint("ci"), answer="x" * 8000)
    page = scene.read(scene.staff(), "/webhooks/ci")
    assert "x" * 1900 in page
    assert "x" * 2001 not in page


def test_successes_show_in_batches() -> None:
    """From which event to which, how many, and how long each took."""
    scene.succeed(scene.make_endpoint("ci"), seq=1500, events=1200, duration_seconds=6.0)
    page = scene.read(scene.staff(), "/webhooks/ci")
    for shown in ("1 – 1,500", ">1,200</td>", "5 ms"):
        assert shown in page


def test_older_failures_are_on_older_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a link leads back."""
    monkeypatch.setattr(deliveries, "ATTEMPTS_ON_A_PAGE", 2)
    endpoint = scene.make_endpoint("ci")
    for seq in (1, 2, 3):
        scene.fail(endpoint, seq=seq)
    staff = scene.staff()
    pages = [scene.read(staff, "/webhooks/ci")]
    for rel in ("next", "prev"):
        found = re.search(rf'rel="{rel}" href="\?([^"]+)"', pages[-1])
        assert found is not None
        pages.append(scene.read(staff, f"/webhooks/ci?{found[1]}"))
    shown = [re.findall(r'<a href="/events/(\d+)">', page) for page in pages]
    assert shown == [["3", "2"], ["1"], ["3", "2"]]


def test_an_endpoint_is_paused_and_resumed() -> None:
    """By whoever may change endpoints; the page says so."""
    scene.make_endpoint("ci")
    staff = scene.staff("change_endpoint")
    answer = staff.post("/webhooks/ci", {"act": "pause"}, follow=True)
    assert Endpoint.objects.get().is_paused
    assert "ci is paused" in answer.content.decode()
    assert 'value="resume"' in answer.content.decode()
    answer = staff.post("/webhooks/ci", {"act": "resume"}, follow=True)
    assert not Endpoint.objects.get().is_paused
    assert "goes on where it stopped" in answer.content.decode()


def test_an_act_that_does_not_exist_does_nothing() -> None:
    """It leads back to the page."""
    scene.make_endpoint("ci")
    assert scene.superuser().post("/webhooks/ci", {"act": "explode"}).status_code == 302
    assert not Endpoint.objects.get().is_paused


def test_whoever_may_only_look_has_no_buttons() -> None:
    """Nor has anybody for an endpoint that is disabled by the configuration."""
    scene.make_endpoint("ci")
    assert 'value="pause"' not in scene.read(scene.staff(), "/webhooks/ci")
    Endpoint.objects.update(is_disabled=True)
    assert 'value="pause"' not in scene.read(scene.superuser(), "/webhooks/ci")


@pytest.mark.parametrize("name", ["ci/cd", "my ci", "c?i", "ü", "7", scene.NASTY])
def test_any_name_has_a_page(name: str) -> None:
    """The list leads to it, and pausing leads back to it."""
    endpoint = scene.make_endpoint(name)
    root = scene.superuser()
    found = re.search(r'<a class="name" href="(/webhooks/[^"]+)">', scene.read(root, "/webhooks"))
    assert found is not None
    assert scene.NASTY not in scene.read(root, found[1])
    assert root.post(found[1], {"act": "pause"}, follow=True).status_code == 200
    assert Endpoint.objects.get(pk=endpoint.pk).is_paused


def test_an_endpoint_is_found_by_its_id_too() -> None:
    """Unless another has the number for a name."""
    endpoint = scene.make_endpoint("ci")
    staff = scene.staff()
    assert "<h1>ci</h1>" in scene.read(staff, f"/webhooks/{endpoint.pk}")
    scene.make_endpoint(str(endpoint.pk))
    assert f"<h1>{endpoint.pk}</h1>" in scene.read(staff, f"/webhooks/{endpoint.pk}")


def test_what_receivers_answer_is_text() -> None:
    """They may answer anything."""
    scene.log("shop/web")
    endpoint = scene.make_endpoint("ci", last_error=scene.NASTY, consecutive_failures=3, statuses={scene.NASTY: 1})
    scene.fail(endpoint, answer=scene.NASTY, error=scene.NASTY)
    staff = scene.staff()
    for path in ("/webhooks", "/webhooks/ci", "/events/1"):
        assert scene.NASTY not in scene.read(staff, path)


@pytest.mark.parametrize("path", ["/webhooks", "/webhooks/ci-0"])
def test_a_page_costs_few_queries_however_much_there_is(path: str) -> None:
    """The same for one endpoint and for twenty, all of them behind."""
    scene.log("shop/web", count=30)
    staff = scene.staff()

    def add(name: str) -> None:
        endpoint = scene.make_endpoint(name)
        for seq in range(1, 31):
            scene.fail(endpoint, seq=seq)

    add("ci-0")
    with CaptureQueriesContext(connection) as few:
        scene.read(staff, path)
    for number in range(1, 20):
        add(f"ci-{number}")
    with CaptureQueriesContext(connection) as many:
        scene.read(staff, path)
    assert len(few) == len(many) <= scene.MOST_QUERIES


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(7, 7, "100 %"), (9_999, 10_000, "99.99 %"), (999_999, 1_000_000, "99.99 %"), (1, 3, "33.3 %"), (0, 5, "0.0 %")],
)
def test_a_share_is_whole_only_when_nothing_is_missing(part: int, whole: int, text: str) -> None:
    """One failure in a million shows."""
    assert write_share(part, whole) == text

"""Making, changing and deleting endpoints on their pages."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from notifications.delivery.definitions.changes import change_endpoint, create_endpoint
from notifications.delivery.definitions.pauses import pause_endpoint
from notifications.delivery.definitions.typed import MASK, Typed, unseal
from notifications.delivery.models import Endpoint, Notice
from notifications.delivery.sending.retry import Policy
from notifications.log.models import Consumer
from tests.webui.operations import scene
from webui.operations.endpoint_settings import write_schedule

pytestmark = pytest.mark.django_db

NEW = "/webhooks/-/new"
URL = "https://ci.example.org/hook"


def make(**document: Any) -> Endpoint:
    return create_endpoint({"name": "ci", "url": URL, **document})[0]


def stored() -> Typed:
    return unseal(Endpoint.objects.get().sealed)


def post(path: str, data: dict[str, Any], status: int = 302) -> str:
    answer = scene.superuser().post(path, data)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def test_an_endpoint_is_made_by_fields() -> None:
    """What is left empty has the defaults of the configuration; the secret is shown once, on the page that follows."""
    root = scene.superuser()
    scene.log("shop/web", count=3)
    data = {
        "name": "ci",
        "url": URL,
        "start": "oldest",
        "headers": "Authorization: Bearer hush\nX-Team: a\nX-Team: b",
        "face": "standard",
        "actions": ["pull", "mount"],
        "mediatypes": "application/octet-stream",
        "timeout": "5s",
        "threshold": "3",
        "maxbackoff": "5m",
        "maxattempts": "20",
        "ratelimit": "10/s",
        "skipverify": "on",
    }
    page = root.post(NEW, data, follow=True).content.decode()
    assert "shown this once: whsec_" in page
    assert "hush" not in page
    assert "shown this once" not in scene.read(root, "/webhooks/ci")
    assert stored().document == {
        "url": URL,
        "headers": {"Authorization": ["Bearer hush"], "X-Team": ["a", "b"]},
        "face": "standard",
        "ignore": {"actions": ["pull", "mount"], "mediatypes": ["application/octet-stream"]},
        "timeout": "5s",
        "threshold": 3,
        "maxbackoff": "5m",
        "maxattempts": 20,
        "ratelimit": "10/s",
        "tls": {"skipverify": True},
    }
    assert Consumer.objects.get().position == 0


def test_the_least_that_an_endpoint_needs_is_a_name_and_a_url() -> None:
    """Everything else has a default."""
    post(NEW, {"name": "ci", "url": URL})
    assert stored().document == {"url": URL}


@pytest.mark.parametrize(
    ("fields", "name", "problem"),
    [
        ({"name": ""}, "name", "This field is required"),
        ({"name": "taken"}, "name", "is that of another endpoint"),
        ({"url": "ftp://a/"}, "url", "must be a URL that begins with"),
        ({"url": "http://127.0.0.1/"}, "url", "hub.outgoing.allow"),
        ({"headers": "alone"}, "headers", "Line 1: write a name"),
        ({"headers": "Host: a"}, "headers", "Host is set by the server itself"),
        ({"headers": f"X: {MASK}"}, "headers", "X has no value that could stay"),
        ({"timeout": "5"}, "timeout", "is no duration"),
        ({"backoff": "1m", "maxbackoff": "1s"}, "maxbackoff", "is shorter than backoff"),
        ({"threshold": "many"}, "threshold", "Enter a whole number"),
        ({"ratelimit": "10"}, "ratelimit", "is no rate"),
        ({"batchsize": "5"}, "batchsize", "write face: batch"),
        ({"inflight": "5"}, "inflight", "write order: repository"),
        ({"face": "slack", "template": "{nane}"}, "template", "names {nane}"),
        ({"actions": "explode"}, "actions", "Select a valid choice"),
        ({"capem": "-----BEGIN"}, "capem", "holds no certificate in PEM"),
    ],
)
def test_each_problem_stands_beside_its_field(fields: dict[str, Any], name: str, problem: str) -> None:
    """Nothing is made, and what was written is still there."""
    scene.make_endpoint("taken")
    page = post(NEW, {"name": "ci", "url": URL, "maxage": "77h", **fields}, 422)
    start = page.index(f'id="id_{name}_error"')
    assert problem in page[start : page.index("</ul>", start)]
    assert 'value="77h"' in page
    assert Endpoint.objects.count() == 1


def test_a_form_shows_what_an_endpoint_is_and_no_secret() -> None:
    """Sent back as it is, it changes nothing."""
    made = make(
        url="https://me:hush@ci.example.org/hook",
        headers={"Authorization": ["Bearer hush", "b"]},
        ignore={"mediatypes": ["a/b"]},
        order="none",
        maxretries=3,
    )
    before = stored()
    path = f"/webhooks/-/{made.pk}/change"
    root = scene.superuser()
    page = scene.read(root, path)
    assert "hush" not in page
    assert f"Authorization: {MASK}\nAuthorization: {MASK}" in page
    assert 'name="name"' not in page
    assert root.post(path, scene.filled(page)).status_code == 302
    assert stored() == before


def test_what_is_cleared_has_its_default_again() -> None:
    """And what was written is changed."""
    made = make(timeout="5s", ignore={"actions": ["pull"]}, tls={"skipverify": True})
    post(f"/webhooks/-/{made.pk}/change", {"url": f"{URL}/2", "threshold": "4"})
    assert stored().document == {"url": f"{URL}/2", "threshold": 4}
    assert Endpoint.objects.get().revision == 1


def test_hidden_headers_are_written_again_for_another_server() -> None:
    """The problem stands beside them."""
    made = make(headers={"X-Token": "hush"})
    fields = {"url": "https://elsewhere.example.org/", "headers": f"X-Token: {MASK}"}
    assert "X-Token was written for another server" in post(f"/webhooks/-/{made.pk}/change", fields, 422)


def test_an_endpoint_of_the_configuration_is_only_looked_at() -> None:
    """Its page says where it is changed; the form leads back there."""
    made = scene.make_endpoint("ci")
    root = scene.superuser()
    page = scene.read(root, "/webhooks/ci")
    assert "It is an endpoint of <code>config.yml</code>: change it there." in page
    assert not any(word in page for word in ("/change", "/delete", "/secret"))
    assert "change it there" in root.get(f"/webhooks/-/{made.pk}/change", follow=True).content.decode()
    for act in ("change", "secret", "delete"):
        answer = root.post(f"/webhooks/-/{made.pk}/{act}", {"url": URL, "name": "ci"}, follow=True)
        assert "Not possible: ci is an endpoint of config.yml" in answer.content.decode()


def test_a_new_secret_is_shown_once() -> None:
    """The page says until when the old one signs."""
    made = make()
    root = scene.superuser()
    page = root.post(f"/webhooks/-/{made.pk}/secret", {"overlap": "hour"}, follow=True).content.decode()
    assert stored().secrets[0].text in page
    assert "An old one signs until" in page
    assert stored().secrets[0].text not in scene.read(root, "/webhooks/ci")


def test_only_whoever_types_the_name_deletes_an_endpoint() -> None:
    """With everything that is known of it."""
    made = make()
    root = scene.superuser()
    path = f"/webhooks/-/{made.pk}/delete"
    assert "Nothing was deleted" in root.post(path, {"name": "CI"}, follow=True).content.decode()
    assert "ci is deleted" in root.post(path, {"name": "ci"}, follow=True).content.decode()
    assert not Endpoint.objects.exists()
    assert not Consumer.objects.exists()


def test_what_waits_is_sent_or_skipped() -> None:
    """A banner says how much that is."""
    made = make()
    pause_endpoint(made)
    scene.log("shop/web", count=3)
    root = scene.superuser()
    page = scene.read(root, "/webhooks/ci")
    assert "3 events are waiting: resume sends them, or skips them for ever." in page
    page = root.post("/webhooks/ci", {"act": "skip"}, follow=True).content.decode()
    assert "3 that waited are skipped" in page
    assert Consumer.objects.get().position == 3
    assert "root has skipped what waited" in Notice.objects.get().text
    pause_endpoint(made)
    assert "Nothing is waiting." in scene.read(scene.staff(), "/webhooks/ci")


def test_each_act_has_its_permission() -> None:
    """Whoever lacks it is turned away, and is shown no way there."""
    made = make()
    staff = scene.staff()
    for path in (NEW, f"/webhooks/-/{made.pk}/change"):
        assert staff.get(path).status_code == 403
    for act in ("change", "secret", "delete"):
        assert staff.post(f"/webhooks/-/{made.pk}/{act}", {"name": "ci"}).status_code == 403
    page = scene.read(staff, "/webhooks/ci") + scene.read(staff, "/webhooks")
    assert not any(f"/webhooks/-/{word}" in page for word in ("new", str(made.pk)))


def test_settings_that_cannot_be_read_are_entered_again(settings: Settings) -> None:
    """The page says so, and the form is empty."""
    made = make(threshold=3)
    settings.SECRET_KEY = "another"
    root = scene.superuser()
    page = scene.read(root, f"/webhooks/-/{made.pk}/change")
    assert "enter them again" in page
    assert 'value="3"' not in page
    answer = root.post(f"/webhooks/-/{made.pk}/change", {"url": URL}, follow=True)
    assert "shown this once: whsec_" in answer.content.decode()


def test_the_form_and_the_page_cost_few_queries() -> None:
    """However many endpoints there are."""
    made = make(headers={"X-Token": "hush"})
    change_endpoint(made, {"threshold": 3})
    root = scene.superuser()
    for path in ("/webhooks/ci", f"/webhooks/-/{made.pk}/change", NEW):
        with CaptureQueriesContext(connection) as queries:
            scene.read(root, path)
        assert len(queries) <= scene.MOST_QUERIES


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (Policy(10, 1.0), ["9 × at once", "1.0 s", "and so on"]),
        (Policy(1, 1.0, max_backoff_seconds=5.0), ["1.0 s", "2.0 s", "4.0 s", "5.0 s", "and so on"]),
        (Policy(3, 1.0, max_attempts=2), ["1 × at once", "a dead letter after 2 attempts"]),
        (Policy(3, 1.0, max_attempts=9), ["2 × at once", "1.0 s", "a dead letter after 9 attempts"]),
        (Policy(1, 1.0, max_attempts=1), ["a dead letter after 1 attempts"]),
    ],
)
def test_the_schedule_is_that_of_the_sender(policy: Policy, words: list[str]) -> None:
    """By the same policy, without its jitter."""
    assert write_schedule(policy) == words

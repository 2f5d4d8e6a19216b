"""Deployments as pages."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deployer.models import Deployment
from tests.webui.operations import scene
from webui.operations import deployments, timeline

pytestmark = pytest.mark.django_db

OTHER = "sha256:" + "b" * 64


def numbers(page: str) -> list[int]:
    """Of the deployments on a page."""
    return [int(pk) for pk in re.findall(r'<td class="wide soft"><a href="/deployments/(\d+)">', page)]


def test_the_newest_deployments_come_first() -> None:
    """With service, image, state and reason."""
    service = scene.make_service()
    first = scene.make_deployment(service, state="rolled_back", reason="exited with code 137 after 5.0 s")
    second = scene.make_deployment(service, runs=True)
    scene.add_steps(second, {"name": "verify", "detail": "healthy after 11.0 s"})
    page = scene.read(scene.staff(), "/deployments")
    assert numbers(page) == [second.pk, first.pk]
    for shown in ("rolled back", "exited with code 137", "healthy after 11.0 s", ">runs<", "9f2c4e81b0aa"):
        assert shown in page.replace("</span>runs", "</span>>runs<")


def test_what_ran_before_is_told_from_what_runs() -> None:
    """Both succeeded."""
    service = scene.make_service()
    scene.make_deployment(service, digest=OTHER)
    scene.make_deployment(service, runs=True)
    page = scene.read(scene.staff(), "/deployments")
    assert "ran before" in page
    assert page.index("</span>runs") < page.index("ran before")


@pytest.mark.parametrize(
    ("query", "found"),
    [({}, 3), ({"service": "web"}, 2), ({"state": "failed"}, 1), ({"service": "web", "state": "failed"}, 0)],
)
def test_deployments_are_chosen_by_service_and_state(query: dict[str, str], found: int) -> None:
    """Each filter alone, and together."""
    web = scene.make_service()
    scene.make_deployment(web)
    scene.make_deployment(web, state="waiting")
    scene.make_deployment(scene.make_service("api"), state="failed")
    assert len(numbers(scene.read(scene.staff(), "/deployments", **query))) == found


def test_a_filter_that_cannot_be_is_said_beside_it() -> None:
    """And nothing is listed."""
    scene.make_deployment(scene.make_service())
    page = scene.read(scene.staff(), "/deployments", service="none")
    assert 'id="id_service_error"' in page
    assert numbers(page) == []


def test_pages_lead_to_the_beginning_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """By numbers, not by counting."""
    monkeypatch.setattr(deployments, "DEPLOYMENTS_ON_A_PAGE", 2)
    service = scene.make_service()
    made = [scene.make_deployment(service).pk for _ in range(3)]
    staff = scene.staff()
    pages = [scene.read(staff, "/deployments?service=web")]
    for rel in ("next", "prev"):
        found = re.search(rf'rel="{rel}" href="([^"]+)"', pages[-1])
        assert found is not None
        assert "service=web" in found[1]
        pages.append(scene.read(staff, "/deployments" + found[1].replace("&amp;", "&")))
    assert [numbers(page) for page in pages] == [made[:0:-1], made[:1], made[:0:-1]]


def test_a_deployment_is_told_step_by_step() -> None:
    """What was done, how long it took, and the push that it was for."""
    scene.log("shop/web", tag="v2", actor="ann")
    deployment = scene.make_deployment(scene.make_service(), runs=True)
    scene.add_steps(deployment, {"name": "pull", "detail": "pulled it"}, {"name": "verify", "detail": "healthy"})
    page = scene.read(scene.staff(), f"/deployments/{deployment.pk}")
    assert page.index(">push<") < page.index(">pull<") < page.index(">verify<")
    for shown in ('href="/events/1"', "by ann", "pulled it", "4.0 s", 'href="/services/web"', scene.DIGEST):
        assert shown in page
    assert "turned back" not in page
    assert "hx-trigger" not in page


def test_steps_that_lead_back_stand_apart() -> None:
    """After the reason; with the log of the container that did not come up."""
    reason = "exited with code 137 after 5.0 s"
    deployment = scene.make_deployment(
        scene.make_service(), state="rolled_back", reason=reason, logs="no such table: users", last_seq=77
    )
    scene.add_steps(
        deployment,
        {"name": "start"},
        {"name": "verify", "state": "failed", "detail": reason},
        {"name": "put back", "is_undo": True},
    )
    page = scene.read(scene.staff(), f"/deployments/{deployment.pk}")
    assert page.index(">verify<") < page.index("turned back") < page.index(">put back<")
    assert '<li class="bad"><span class="name">verify' in page
    assert '<li class="ok undo"><span class="name">put back' in page
    assert "no such table: users</pre>" in page
    assert "no longer in the log" in page


def test_a_step_that_is_tried_again_and_again_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its last try; and a very long history by its end."""
    deployment = scene.make_deployment(scene.make_service(), state="undoing")
    tries = [{"name": "start old", "is_undo": True, "state": "failed", "detail": f"refused {n}"} for n in range(9)]
    scene.add_steps(deployment, {"name": "pull"}, *tries)
    staff, path = scene.staff(), f"/deployments/{deployment.pk}"
    page = scene.read(staff, path)
    assert "refused 8" in page
    assert "9 tries" in page
    assert "refused 7" not in page
    monkeypatch.setattr(timeline, "MOST_STEPS", 5)
    page = scene.read(staff, path)
    assert "earlier steps are left out" in page
    assert "5 tries" in page


def test_an_unfinished_deployment_looks_again_by_itself() -> None:
    """With script every two seconds, without by the browser; and it says what it waits for."""
    deployment = scene.make_deployment(
        scene.make_service(),
        state="rolling",
        waits_for="the engine does not answer",
        tries=2,
        due_at=timezone.now() + timedelta(seconds=19),
    )
    scene.add_steps(deployment, {"name": "pull", "state": "begun", "finished_at": None})
    page = scene.read(scene.staff(), f"/deployments/{deployment.pk}")
    assert 'hx-trigger="every 2s"' in page
    assert '<noscript><meta http-equiv="refresh"' in page
    assert re.search(r"the engine does not answer; again in (18|19|20) s", page)


def test_a_deployment_is_tried_again() -> None:
    """By whoever may deploy; a new one, whose page is shown."""
    deployment = scene.make_deployment(scene.make_service(), state="failed", reason="no such image")
    staff = scene.staff("change_deployment")
    assert "Try again" in scene.read(staff, f"/deployments/{deployment.pk}")
    answer = staff.post(f"/deployments/{deployment.pk}/retry", follow=True)
    made = Deployment.objects.get(cause="retry")
    assert answer.redirect_chain == [(f"/deployments/{made.pk}", 302)]
    assert "is deployed to web" in answer.content.decode()
    assert made.requested_by == User.objects.get(username="ada")


def test_what_runs_is_rolled_back() -> None:
    """The button says to what."""
    service = scene.make_service()
    scene.make_deployment(service, digest=OTHER, tag="v1")
    deployment = scene.make_deployment(service, runs=True)
    staff = scene.staff("change_deployment")
    assert ">Roll back to v1<" in scene.read(staff, f"/deployments/{deployment.pk}")
    staff.post(f"/deployments/{deployment.pk}/rollback")
    assert Deployment.objects.get(cause="roll_back").digest == OTHER


@pytest.mark.parametrize(
    ("state", "act", "why"),
    [
        ("succeeded", "rollback", "nothing else ran before"),
        ("failed", "rollback", "only a deployment that succeeded"),
        ("rolling", "retry", "not finished yet"),
    ],
)
def test_what_is_not_possible_is_said(state: str, act: str, why: str) -> None:
    """On the page one came from, and nothing is deployed."""
    deployment = scene.make_deployment(scene.make_service(), state=state)
    answer = scene.superuser().post(f"/deployments/{deployment.pk}/{act}", follow=True)
    assert answer.redirect_chain == [(f"/deployments/{deployment.pk}", 302)]
    assert why in answer.content.decode()
    assert Deployment.objects.count() == 1


def test_whoever_may_only_look_has_no_buttons() -> None:
    """Staff without the permission."""
    service = scene.make_service()
    scene.make_deployment(service, digest=OTHER)
    deployment = scene.make_deployment(service, runs=True)
    page = scene.read(scene.staff(), f"/deployments/{deployment.pk}")
    assert "/retry" not in page
    assert "/rollback" not in page


def test_what_comes_from_outside_is_text() -> None:
    """Logs, reasons, names."""
    names = ("repository", "tag", "digest", "actor", "reason", "logs", "waits_for")
    fields: dict[str, Any] = dict.fromkeys(names, scene.NASTY)
    deployment = scene.make_deployment(scene.make_service(), state="undoing", **fields)
    scene.add_steps(deployment, {"name": "pull", "detail": scene.NASTY}, {"name": "put back", "is_undo": True})
    staff = scene.staff()
    for path in ("/deployments", f"/deployments/{deployment.pk}", "/services", "/services/web"):
        assert scene.NASTY not in scene.read(staff, path)


@pytest.mark.parametrize("path", ["/deployments", "/deployments/1", "/deployments?service=web&state=failed"])
def test_a_page_costs_few_queries_however_much_there_is(path: str) -> None:
    """The same for two deployments and for a hundred."""
    scene.log("shop/web")
    service, root = scene.make_service(), scene.superuser()

    def add(pk: int, state: str) -> None:
        deployment = scene.make_deployment(service, pk=pk, state=state, requested_by=User.objects.get())
        scene.add_steps(deployment, *({"name": name} for name in ("pull", "start", "verify")))

    add(1, "succeeded")
    add(2, "failed")
    service.current_id = 1
    service.save()
    with CaptureQueriesContext(connection) as few:
        scene.read(root, path)
    for number in range(3, 100):
        add(number, "failed" if number % 2 else "succeeded")
    scene.add_steps(Deployment.objects.get(pk=1), *({"name": f"step {number}"} for number in range(50)))
    with CaptureQueriesContext(connection) as many:
        scene.read(root, path)
    assert len(few) == len(many) <= scene.MOST_QUERIES

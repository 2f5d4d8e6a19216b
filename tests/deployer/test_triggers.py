"""From pushes in the log to deployments: which ones, how many, and when."""

from datetime import timedelta

import pytest
from django.utils import timezone

from deployer.models import Deployment, Rule
from deployer.requests import MAX_DEBOUNCES
from deployer.triggers import trigger
from registryhub.access.models import Source
from tests.deployer.deploying import REPOSITORY, digest, make_service, push, pushed, states

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_matching_push_asks_for_a_deployment() -> None:
    """It says what is to run, why, and from when on."""
    service = make_service(debounce_seconds=2.0)
    push(pushed(7, 1, actor="ci"))
    [deployment] = Deployment.objects.all()
    assert (deployment.service, deployment.repository, deployment.tag) == (service, REPOSITORY, "latest")
    assert (deployment.digest, deployment.actor, deployment.state) == (digest(1), "ci", "waiting")
    assert (deployment.first_seq, deployment.last_seq, deployment.pushes) == (7, 7, 1)
    assert timedelta(seconds=1.9) < deployment.due_at - deployment.created_at < timedelta(seconds=2.1)


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "pull"},
        {"action": "check"},
        {"action": "delete"},
        {"tag": ""},
        {"repository": "shop/webmail"},
        {"tag": "v2.0-rc1"},
        {"actor": "somebody"},
        {"media_type": "application/octet-stream"},
    ],
)
def test_what_does_not_match_deploys_nothing(fields: dict[str, str]) -> None:
    """Neither another action nor another repository, tag or user."""
    service = make_service(rule=False)
    Rule.objects.create(service=service, repository=REPOSITORY, tag_pattern="v2.?", actor="ci")
    push(pushed(1, 1, **{"tag": "v2.1", "actor": "ci", **fields}))
    assert not Deployment.objects.exists()
    push(pushed(2, 1, tag="v2.1", actor="ci"))
    assert Deployment.objects.count() == 1


def test_other_registries_deploy_only_where_a_rule_names_them() -> None:
    """A source can claim any name, so a rule without one means this hub alone."""
    edge = Source.objects.create(name="edge")
    make_service()
    push(pushed(1, 1, source_id=edge.pk))
    assert not Deployment.objects.exists()
    Rule.objects.create(service=make_service("other", rule=False), repository=REPOSITORY, source=edge)
    push(pushed(2, 1, source_id=edge.pk))
    assert [each.service.name for each in Deployment.objects.all()] == ["other"]


def test_what_is_paused_or_disabled_deploys_nothing() -> None:
    """Neither a paused service nor a disabled rule."""
    make_service("paused", is_paused=True)
    service = make_service("web", rule=False)
    Rule.objects.create(service=service, repository=REPOSITORY, is_enabled=False)
    push(pushed(1, 1))
    assert not Deployment.objects.exists()


def test_one_push_deploys_to_every_service_once() -> None:
    """However many of a service's rules it matches."""
    first, second = make_service("first"), make_service("second")
    Rule.objects.create(service=first, repository=REPOSITORY, tag_pattern="late*")
    push(pushed(1, 1))
    assert first.deployments.count() == second.deployments.count() == 1


def test_two_pushes_of_one_image_are_one_deployment() -> None:
    """As long as it is not finished; the row says how many and which."""
    service = make_service()
    push(pushed(1, 1), pushed(2, 1, tag="stable"))
    push(pushed(3, 1))
    [deployment] = service.deployments.all()
    assert (deployment.first_seq, deployment.last_seq, deployment.pushes, deployment.tag) == (1, 3, 3, "latest")


def test_a_newer_image_supersedes_one_that_waits() -> None:
    """Two pushes within the debounce: only the second is rolled out, and the first is over."""
    service = make_service(debounce_seconds=5)
    push(pushed(1, 1))
    push(pushed(2, 2))
    assert states(service) == ["superseded", "waiting"]
    first = service.deployments.get(first_seq=1)
    assert first.finished_at is not None
    assert "newer" in first.reason


def test_pushes_without_a_pause_are_deployed_all_the_same() -> None:
    """The wait is that of the first that waited, times a few."""
    service = make_service(debounce_seconds=10)
    push(pushed(1, 1))
    Deployment.objects.update(waiting_since=timezone.now() - timedelta(seconds=10 * MAX_DEBOUNCES - 3))
    push(pushed(2, 2))
    waiting = service.deployments.get(state="waiting")
    assert waiting.due_at - timezone.now() < timedelta(seconds=3.1)


def test_while_one_is_rolled_out_the_next_waits() -> None:
    """The one under way is never superseded, and the same image joins it only if nothing else was pushed since."""
    service = make_service()
    push(pushed(1, 1))
    Deployment.objects.update(state="rolling")
    push(pushed(2, 1))
    assert states(service) == ["rolling"]
    push(pushed(3, 2))
    assert states(service) == ["rolling", "waiting"]
    push(pushed(4, 1))
    assert states(service) == ["rolling", "superseded", "waiting"]


def test_the_image_that_is_being_rolled_back_is_tried_anew() -> None:
    """Whoever pushes it again wants it again."""
    service = make_service()
    push(pushed(1, 1))
    Deployment.objects.update(state="undoing")
    push(pushed(2, 1))
    assert states(service) == ["undoing", "waiting"]


def test_events_without_pushes_cost_no_query(django_assert_num_queries: object) -> None:
    """Thousands of pulls go by."""
    with django_assert_num_queries(0):  # type: ignore[operator]
        trigger([pushed(seq, 1, action="pull") for seq in range(1, 1000)])

"""Trying again and going back."""

import pytest
from django.contrib.auth.models import User

from deployer.history import NotPossible, deploy_newest, retry, roll_back
from deployer.models import Deployment, Rule
from deployer.prune import KEPT_DEPLOYMENTS, prune_history
from deployer.targets.memory import Behaviour
from notifications.log.models import Event
from tests.deployer.deploying import (
    container_target,
    digest,
    engine_with,
    make_service,
    push,
    pushed,
    runs,
    states,
    work,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user() -> User:
    return User.objects.create_superuser("root")


def test_rolling_back_deploys_what_ran_before(user: User) -> None:
    """As a deployment of its own, which says who wanted it; failed ones in between are passed over."""
    engine = engine_with(v1=Behaviour(), v2=Behaviour(), v3=Behaviour(is_unhealthy=True))
    service = make_service()
    for seq, version in enumerate((1, 3, 2), 1):
        push(pushed(seq, version))
        work(service, container_target(engine))
    third = service.deployments.get(last_seq=3)
    made = roll_back(third, user)
    assert (made.cause, made.digest, made.requested_by, made.pushes) == ("roll_back", digest(1), user, 0)
    work(service, container_target(engine))
    assert runs(engine) == {"web": "v1"}
    assert states(service) == ["succeeded", "rolled_back", "succeeded", "succeeded"]


def test_what_cannot_be_gone_back_from_says_why(user: User) -> None:
    """The first one, and one that never ran."""
    engine = engine_with(v1=Behaviour())
    service = make_service()
    push(pushed(1, 1))
    with pytest.raises(NotPossible, match="succeeded"):
        roll_back(service.deployments.get(), user)
    with pytest.raises(NotPossible, match="not finished"):
        retry(service.deployments.get(), user)
    work(service, container_target(engine))
    with pytest.raises(NotPossible, match="nothing else ran"):
        roll_back(service.deployments.get(), user)


def test_a_retry_supersedes_what_waits(user: User) -> None:
    """What a person asks for comes last."""
    engine = engine_with(v1=Behaviour())
    service = make_service(debounce_seconds=60)
    push(pushed(1, 1))
    work(service, container_target(engine))
    push(pushed(2, 2))
    retry(service.deployments.get(last_seq=1), user)
    assert states(service) == ["succeeded", "superseded", "waiting"]


def test_old_history_is_forgotten_but_not_what_runs() -> None:
    """Only finished deployments beyond the newest ones."""
    service = make_service()
    push(pushed(1, 1))
    current = service.deployments.get()
    service.current = current
    service.save()
    Deployment.objects.update(state="succeeded", finished_at=current.created_at)
    copies = [
        Deployment(
            service=service, source_id=1, repository="x", digest="y", state="failed", finished_at=current.created_at
        )
        for _ in range(KEPT_DEPLOYMENTS + 5)
    ]
    Deployment.objects.bulk_create(copies)
    prune_history(service.pk)
    assert service.deployments.count() == KEPT_DEPLOYMENTS + 1
    assert service.deployments.filter(pk=current.pk).exists()


def test_a_service_catches_up_with_what_was_pushed_before_it(user: User) -> None:
    """The newest push that a rule matches; others and older ones are passed over."""
    tags = ("v1", "v2", "edge")
    Event.objects.bulk_create(Event(**pushed(seq, seq, tag=tag)._asdict()) for seq, tag in enumerate(tags, 1))
    service = make_service(rule=False)
    with pytest.raises(NotPossible, match="matches a rule"):
        deploy_newest(service, user)
    Rule.objects.create(service=service, repository="shop/web", tag_pattern="v*")
    made = deploy_newest(service, user)
    assert (made.cause, made.tag, made.digest, made.requested_by) == ("request", "v2", digest(2), user)
    engine = engine_with(v2=Behaviour())
    work(service, container_target(engine))
    assert runs(engine) == {"web": "v2"}

"""What services run is known to the registry before it removes anything."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deployer.guards import running
from deployer.models import Deployment, Service
from registryhub.access.models import HUB_SOURCE_ID, Source
from registryhub.registry.guards import in_use
from tests.deployer.deploying import REPOSITORY, digest, make_service

pytestmark = pytest.mark.django_db(transaction=True)

State = Deployment.State


def deployed(service: Service, version: int, state: State = State.SUCCEEDED, **fields: object) -> Deployment:
    """A deployment of the version; one that succeeded is what the service runs."""
    finished_at = None if state in Deployment.UNFINISHED else timezone.now()
    values = {"source_id": HUB_SOURCE_ID, "repository": REPOSITORY, "finished_at": finished_at, **fields}
    made = Deployment.objects.create(service=service, digest=digest(version), state=state, **values)
    if state == State.SUCCEEDED:
        service.current = made
        service.save()
    return made


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (State.SUCCEEDED, "service web runs it"),
        (State.WAITING, "service web waits to deploy it"),
        (State.ROLLING, "service web is rolling it out"),
        (State.UNDOING, "service web is rolling back from it"),
    ],
)
def test_what_a_service_runs_or_is_about_to_is_in_use(state: State, reason: str) -> None:
    """The reason says which service, and what it does."""
    deployed(make_service(), 1, state)
    assert in_use(REPOSITORY, [digest(1), digest(2)]) == {digest(1): reason}


def test_what_a_deployment_would_go_back_to_is_in_use() -> None:
    """Both versions are, until it is over; then only the new one."""
    service = make_service()
    deployed(service, 1)
    rolling = deployed(service, 2, State.ROLLING)
    assert running(REPOSITORY, [digest(1), digest(2)]).keys() == {digest(1), digest(2)}
    rolling.delete()
    deployed(service, 2)
    assert running(REPOSITORY, [digest(1), digest(2)]) == {digest(2): "service web runs it"}


@pytest.mark.parametrize("state", [State.FAILED, State.ROLLED_BACK, State.SUPERSEDED])
def test_what_never_ran_is_not_in_use(state: State) -> None:
    """Nor is what ran once."""
    deployed(make_service(), 1, state)
    assert running(REPOSITORY, [digest(1)]) == {}


def test_an_image_of_elsewhere_is_another_image() -> None:
    """Of another registry, or of another repository."""
    other = Source.objects.create(name="elsewhere")
    deployed(make_service("a"), 1, source_id=other.pk)
    deployed(make_service("b"), 2, repository="shop/other")
    assert running(REPOSITORY, [digest(1), digest(2)]) == {}


def test_that_it_runs_is_said_before_that_it_is_deployed() -> None:
    """Of several services the first by name that runs it."""
    for name, state in (("a", State.ROLLING), ("c", State.SUCCEEDED), ("b", State.SUCCEEDED)):
        deployed(make_service(name), 1, state)
    assert running(REPOSITORY, [digest(1)]) == {digest(1): "service b runs it"}


def test_any_number_of_digests_is_one_query() -> None:
    """More than either database takes as parameters."""
    deployed(make_service(), 1)
    with CaptureQueriesContext(connection) as asked:
        assert running(REPOSITORY, [digest(number) for number in range(50_000)]).keys() == {digest(1)}
    assert len(asked) == 1


def test_a_guard_that_cannot_be_asked_lets_nothing_be_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its error goes on, to whoever wanted to remove something."""

    def fail(repository: str, digests: object) -> dict[str, str]:
        raise RuntimeError

    monkeypatch.setattr("deployer.guards.running", fail)
    with pytest.raises(RuntimeError):
        in_use(REPOSITORY, [digest(1)])

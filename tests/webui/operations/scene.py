"""What stands on the pages: events, endpoints, services and deployments, and people who look at them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from deployer.models import Deployment, Rule, Service, Step
from notifications.delivery.models import Attempt, Endpoint
from notifications.log.models import Event
from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.access.repositories import ensure_repository
from tests.notifications.delivery.sending import log_events, start_at

DIGEST = "sha256:" + "9f2c4e81b0aa" + "0" * 52
NASTY = "<script>alert(1)</script>"
MOST_QUERIES = 12


def visitor() -> Client:
    return Client()


def member() -> Client:
    """Logged in, and nothing more."""
    return _logged_in(User.objects.create_user("mel"))


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("ada", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return _logged_in(user)


def superuser() -> Client:
    return _logged_in(User.objects.create_superuser("root"))


def read(client: Client, path: str, **query: str) -> str:
    """The page, which must be there."""
    answer = client.get(path, query)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.content.decode()


def log(repository: str, *, count: int = 1, is_public: bool = False, **fields: Any) -> Sequence[Event]:
    """Events of a repository, which is made when it is new."""
    Repository.objects.filter(pk=ensure_repository(fields.get("source_id", HUB_SOURCE_ID), repository)).update(
        is_public=is_public
    )
    return log_events(count, repository=repository, **{"digest": DIGEST, **fields})


def make_endpoint(name: str, *, position: int = 0, **fields: Any) -> Endpoint:
    """An endpoint at a position in the log."""
    start_at(position, name)
    return Endpoint.objects.create(name=name, **{"url": "https://ci.example.org/hook", **fields})


def fail(endpoint: Endpoint, *, seq: int = 1, **fields: Any) -> Attempt:
    """A failed attempt."""
    return Attempt.objects.create(
        endpoint=endpoint,
        is_success=False,
        first_seq=seq,
        seq=seq,
        event_id=f"event-{seq}",
        attempted_at=timezone.now(),
        duration_seconds=0.25,
        **{"status": 503, "error": "answered 503 Service Unavailable", **fields},
    )


def make_service(name: str = "web", *, repository: str = "shop/web", **fields: Any) -> Service:
    """A service with one rule."""
    service = Service.objects.create(name=name, **fields)
    Rule.objects.create(service=service, repository=repository, tag_pattern="v*")
    return service


def make_deployment(service: Service, *, state: str = "succeeded", runs: bool = False, **fields: Any) -> Deployment:
    """One that is over, unless the state says otherwise; `runs` makes it what the service runs."""
    is_over = state not in Deployment.UNFINISHED
    deployment = Deployment.objects.create(
        service=service,
        source_id=HUB_SOURCE_ID,
        state=state,
        finished_at=timezone.now() if is_over else None,
        **{
            "repository": "shop/web",
            "tag": "v2",
            "digest": DIGEST,
            "first_seq": 1,
            "last_seq": 1,
            "pushes": 1,
            **fields,
        },
    )
    if runs:
        Service.objects.filter(pk=service.pk).update(current=deployment)
    return deployment


def add_steps(deployment: Deployment, *steps: Mapping[str, Any]) -> None:
    """Each takes four seconds unless it says otherwise."""
    began = datetime(2026, 11, 24, 12, tzinfo=UTC)
    for step in steps:
        ended = began + timedelta(seconds=4)
        Step.objects.create(
            deployment=deployment,
            holder="worker",
            **{"state": "done", "started_at": began, "finished_at": ended, **step},
        )
        began = ended


def _logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client

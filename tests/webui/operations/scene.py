"""What stands on the pages: events, endpoints, services and deployments, and people who look at them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from deployer.definitions import Definition
from deployer.definitions import define as define_service
from deployer.models import Deployment, Rule, Service, Step
from notifications.delivery.models import Attempt, Endpoint
from notifications.log.models import Event
from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.access.repositories import ensure_repository
from tests.notifications.delivery.stage import log_events, start_at

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


def succeed(endpoint: Endpoint, **fields: Any) -> Attempt:
    """A batch of attempts that were accepted."""
    attempt = fail(endpoint)
    Attempt.objects.filter(pk=attempt.pk).update(**{"is_success": True, "status": 200, "error": "", **fields})
    return attempt


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


def define(service: Service, *, environment: Mapping[str, str]) -> None:
    """Give a service variables."""
    definition = Definition(
        service.name, Service.Kind(service.kind), settings=service.settings, environment=environment
    )
    define_service(service, definition)


class _Fields(HTMLParser):
    """What a browser would send of the page's large form."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        name = values.get("name") or ""
        if tag == "input" and (values.get("type") != "checkbox" or "checked" in values):
            self.found[name] = values.get("value") or ("on" if values.get("type") == "checkbox" else "")
        elif tag in ("textarea", "select"):
            self._open = name
            self.found[name] = ""
        elif tag == "option" and "selected" in values:
            self.found[self._open] = values.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("textarea", "select"):
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open and self.lasttag == "textarea":
            self.found[self._open] += data.removeprefix("\n")


def filled(page: str) -> dict[str, str]:
    """The form of a page as it stands there."""
    fields = _Fields()
    fields.feed(page)
    return {name: value for name, value in fields.found.items() if name not in ("", "search", "csrfmiddlewaretoken")}


def _logged_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client

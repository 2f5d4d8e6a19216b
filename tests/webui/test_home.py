"""The first page."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DataError, OperationalError
from django.test import Client
from django.utils import timezone

from notifications.log.models import Event
from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.access.repositories import ensure_repository
from tests.webui.filled import count


def make_repository(name: str, *, is_public: bool, pulls: int) -> None:
    """A repository with pulls today and one push in the log."""
    key = ensure_repository(HUB_SOURCE_ID, name)
    Repository.objects.filter(pk=key).update(is_public=is_public)
    now = timezone.now()
    count(Repository.objects.get(pk=key), pulls=pulls)
    Event.objects.create(
        seq=Event.objects.count() + 1,
        source_id=HUB_SOURCE_ID,
        event_id=name,
        occurred_at=now - timedelta(hours=3),
        received_at=now,
        action="push",
        repository=name,
        tag="v7",
        actor="a-robot",
        raw="{}",
    )


@pytest.fixture
def images(db: None) -> None:
    make_repository("open/app", is_public=True, pulls=1234)
    make_repository("closed/app", is_public=False, pulls=98765)


@pytest.mark.usefixtures("images")
def test_the_anonymous_see_what_is_public_and_a_login_form(client: Client) -> None:
    """Names, numbers and people of what is not public do not show."""
    page = client.get("/").content.decode()
    assert "open/app" in page
    assert "1,234" in page
    assert ":v7" in page
    assert "3 h" in page
    assert 'action="/login"' in page
    for hidden in ("closed/app", "98,765", "a-robot"):
        assert hidden not in page


@pytest.mark.usefixtures("images")
def test_staff_see_everything(client: Client) -> None:
    """And the way to the admin instead of the form."""
    client.force_login(User.objects.create_superuser("root"))
    page = client.get("/").content.decode()
    assert page.index("closed/app") < page.index("open/app")
    assert "a-robot" in page
    assert 'href="/admin/"' in page
    assert 'action="/login"' not in page


@pytest.mark.django_db
def test_an_empty_hub_says_how_to_begin(client: Client) -> None:
    """With the address one has just typed."""
    page = client.get("/", headers={"host": "hub.example.org:5000"}).content.decode()
    assert "docker push hub.example.org:5000/" in page


@pytest.mark.django_db
@pytest.mark.parametrize("window", ["24h", "7d", "30d", "90d", "all", "nonsense", ""])
def test_any_window_is_answered(client: Client, window: str) -> None:
    """An unknown one is the week."""
    assert client.get("/", {"window": window}).status_code == 200


@pytest.mark.django_db
def test_the_page_loads_nothing_from_anybody_elses_server(client: Client) -> None:
    """And its scripts come after it: it is whole without them."""
    page = client.get("/").content.decode()
    assert "//" not in page.replace("<!doctype", "")
    assert page.count("<script") == page.count(" defer></script>") == 2
    for asset in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        answer = client.get(asset)
        assert answer.status_code == 200
        assert b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        answer.close()


def test_without_a_database_the_page_is_still_200(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for `/` wants to know whether we live."""

    def fail(*_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("webui.views.dashboard", fail)
    answer = client.get("/")
    assert answer.status_code == 200
    assert "The database does not answer" in answer.content.decode()


def test_what_the_database_refuses_is_a_fault_of_the_hub(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is told to try again."""

    def fail(*_: object, **__: object) -> None:
        raise DataError("integer out of range")

    client.raise_request_exception = False
    monkeypatch.setattr("registryhub.access.authentication.find_user", fail)
    assert client.get("/api/v1/endpoints", headers={"authorization": "Bearer x"}).status_code == 500


def test_without_a_database_all_else_is_503(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the word to come again, as JSON for programs."""

    def fail(*_: object, **__: object) -> None:
        raise OperationalError("gone")

    client.raise_request_exception = False
    monkeypatch.setattr("registryhub.access.authentication.find_user", fail)
    answer = client.get("/api/v1/endpoints", headers={"authorization": "Bearer x"})
    assert answer.status_code == 503
    assert answer["retry-after"] == "1"
    assert "database" in answer.json()["detail"]

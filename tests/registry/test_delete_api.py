"""`DELETE /api/v1/repositories/<name>`: for staff, where the configuration lets things be deleted."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from registryhub.access.models import Repository, Source
from registryhub.registry import api
from registryhub.registry.models import Manifest
from tests.registry.stage import changed, image_bytes, put, stored_events
from tests.rest import Rest, staff, visitor

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "repositories/team/app"


@pytest.fixture(autouse=True)
def deleting(settings: Settings) -> None:
    """Deleting is on."""
    settings.HUB = changed(settings.HUB, storage__delete__enabled=True)


def fill() -> None:
    put("team/app", image_bytes("team/app", "one"), tag="v1")
    Repository.objects.update(is_public=True)


@pytest.mark.parametrize("slash", ["", "/"])
def test_staff_delete_a_repository(slash: str) -> None:
    """204 without a body, then 404; the events say who it was."""
    fill()
    rest = staff()
    answer = rest.ask("DELETE", PATH + slash)
    assert (answer.status, answer.text) == (204, "")
    last = stored_events()[-1]
    assert (last.action, last.repository, last.tag, last.digest) == ("delete", "team/app", "", "")
    assert (last.actor, last.method, last.address) == ("ada", "DELETE", "127.0.0.1")
    again = rest.ask("DELETE", PATH + slash)
    assert (again.status, again.document["detail"]) == (404, "repository name not known to registry")
    assert rest.get(PATH).status == 200


def test_what_takes_long_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """202 until nothing is left."""
    fill()
    rest = staff()
    monkeypatch.setattr(api, "DELETING_SECONDS", 0.0)
    answers = [rest.ask("DELETE", PATH)]
    while answers[-1].status == 202:
        assert "again" in answers[-1].document["detail"]
        answers.append(rest.ask("DELETE", PATH))
    assert len(answers) == 3
    assert answers[-1].status == 204


def test_others_may_not() -> None:
    """Neither a user nor the anonymous, however public it is."""
    fill()
    user = Rest(User.objects.create_user("bob"))
    assert [who.ask("DELETE", PATH).status for who in (user, visitor())] == [403, 401]
    assert Manifest.objects.exists()


def test_a_form_of_another_site_cannot() -> None:
    """A session alone does not do; a token or the header does."""
    fill()
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("root"))
    assert client.delete(f"/api/v1/{PATH}").status_code == 403
    assert Manifest.objects.exists()


@pytest.mark.parametrize(
    ("key", "value", "mend"),
    [
        ("storage__delete__enabled", False, "storage.delete.enabled"),
        ("storage__maintenance__readonly__enabled", True, "storage.maintenance.readonly.enabled"),
    ],
)
def test_where_deleting_is_off_it_says_so(settings: Settings, key: str, value: bool, mend: str) -> None:
    """405 with the mend."""
    settings.HUB = changed(settings.HUB, **{key: value})
    fill()
    answer = staff().ask("DELETE", PATH)
    assert answer.status == 405
    assert mend in answer.document["detail"]
    assert Manifest.objects.exists()


def test_what_is_still_needed_is_told_with_the_reason(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """403."""
    settings.HUB = changed(settings.HUB, hub__delete__protect=True)
    monkeypatch.setattr("deployer.guards.running", lambda _, digests: dict.fromkeys(digests, "service web runs it"))
    fill()
    answer = staff().ask("DELETE", PATH)
    assert answer.status == 403
    assert "service web runs it" in answer.document["detail"]


def test_only_what_is_here_can_be_deleted() -> None:
    """A repository of another source is known by its events; one of no name is not found."""
    Repository.objects.create(source=Source.objects.create(name="edge"), name="team/app")
    rest = staff()
    answer = rest.ask("DELETE", f"{PATH}?source=edge")
    assert (answer.status, list(answer.document)) == (400, ["source"])
    assert rest.ask("DELETE", "repositories/team/none").status == 404

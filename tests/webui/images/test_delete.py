"""Deleting a tag or a repository: staff are asked first, and told what became of it."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from registryhub.access.models import Repository
from registryhub.registry.models import BlobLink, Manifest, Tag
from tests.registry.stage import changed, stored_events
from tests.webui.filled import make_repository, store_image
from webui.images import delete as pages

pytestmark = pytest.mark.django_db(transaction=True)

PAGE = "/repositories/team/app"
REPOSITORY_DELETE = f"{PAGE}/-/delete"
TAG_DELETE = f"{PAGE}/-/tags/v1/delete"


@pytest.fixture(autouse=True)
def app(settings: Settings) -> Repository:
    """Of two tags on one image, in a hub where deleting is on."""
    settings.HUB = changed(settings.HUB, storage__delete__enabled=True)
    repository = make_repository("team/app")
    store_image(repository, "text", "v1", "v2")
    return repository


def read(client: Client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def press(client: Client, path: str) -> str:
    """Post the form of a page; what the reader then sees."""
    answer = client.post(path, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("path", [REPOSITORY_DELETE, TAG_DELETE])
def test_looking_deletes_nothing(staff: Client, path: str) -> None:
    """The page says what goes and what stays, and holds the form."""
    page = read(staff, path)
    assert "What goes, and what stays" in page
    assert 'form method="post"' in page
    assert "csrfmiddlewaretoken" in page
    assert (Tag.objects.count(), Manifest.objects.count()) == (2, 1)


def test_a_tag_is_deleted(staff: Client) -> None:
    """The image stays; the event says who it was."""
    assert "1 other tag points at it." in read(staff, TAG_DELETE)
    assert "The tag v1 is deleted." in press(staff, TAG_DELETE)
    assert list(Tag.objects.values_list("name", flat=True)) == ["v2"]
    assert Manifest.objects.count() == 1
    (event,) = stored_events()
    assert (event.action, event.tag, event.actor) == ("delete", "v1", "root")
    assert staff.get(TAG_DELETE).status_code == 404


def test_a_repository_is_deleted(staff: Client) -> None:
    """With everything in it; its page stays, without the way here."""
    assert "2 tags and all images" in read(staff, REPOSITORY_DELETE)
    assert "team/app is deleted; its numbers stay." in press(staff, REPOSITORY_DELETE)
    assert not any(model.objects.exists() for model in (Tag, Manifest, BlobLink))
    assert stored_events()[-1].actor == "root"
    assert REPOSITORY_DELETE not in read(staff, PAGE)


def test_what_is_large_is_asked_for_again(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same page, until it is gone."""
    monkeypatch.setattr(pages, "DELETING_SECONDS", 0.0)
    page = press(staff, REPOSITORY_DELETE)
    assert "not all gone yet" in page
    assert "All images of the repository go" in page
    while "not all gone yet" in page:
        page = press(staff, REPOSITORY_DELETE)
    assert "its numbers stay" in page


def test_the_way_here_is_shown_to_staff(staff: Client, client: Client) -> None:
    """And to nobody else."""
    for path, target in ((PAGE, REPOSITORY_DELETE), (f"{PAGE}/-/tags/v1", TAG_DELETE)):
        assert f'href="{target}"' in read(staff, path)
        assert target not in read(client, path)


@pytest.mark.parametrize("path", [REPOSITORY_DELETE, TAG_DELETE])
def test_others_are_turned_away(client: Client, path: str) -> None:
    """The anonymous to the login, users with 403, another site's form too."""
    assert client.get(path).headers["location"] == f"/login?next={path}"
    assert client.post(path).headers["location"].startswith("/login")
    client.force_login(User.objects.create_user("bob"))
    assert [client.get(path).status_code, client.post(path).status_code] == [403, 403]
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("ada"))
    assert strict.post(path).status_code == 403
    assert Tag.objects.count() == 2


@pytest.mark.parametrize("path", [REPOSITORY_DELETE, TAG_DELETE])
def test_where_deleting_is_off_the_page_says_so(staff: Client, settings: Settings, path: str) -> None:
    """Without a form; nothing leads here, and a post that comes all the same changes nothing."""
    settings.HUB = changed(settings.HUB, storage__delete__enabled=False)
    page = read(staff, path)
    assert "set storage.delete.enabled to allow it" in page
    assert "Keep it" not in page
    assert path not in read(staff, path.removesuffix("/delete").removesuffix("/-"))
    assert "Not possible: deleting is off" in press(staff, path)
    assert Tag.objects.count() == 2


def test_what_is_still_needed_is_told(staff: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """With who needs it."""
    settings.HUB = changed(settings.HUB, hub__delete__protect=True)
    monkeypatch.setattr("deployer.guards.running", lambda _, digests: dict.fromkeys(digests, "service web runs it"))
    assert "service web runs it" in press(staff, REPOSITORY_DELETE)
    assert Tag.objects.count() == 2


def test_what_is_elsewhere_cannot_be_deleted_here(staff: Client) -> None:
    """It is only known by its events."""
    make_repository("team/far", source="frankfurt")
    assert staff.get("/repositories/team/far/-/delete").status_code == 404
    assert "/-/delete" not in read(staff, "/repositories/team/far?source=frankfurt")
    assert staff.get(f"{PAGE}/-/tags/none/delete").status_code == 404

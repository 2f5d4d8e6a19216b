"""Coming in and going out."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from registryhub.access.throttle import FREE_TRIES_OF_A_USER

PASSWORD = "a-good-long-one"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def root(settings: Settings) -> User:
    """Whose password is hashed in no time: how dear a guess is does not depend on the door."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return User.objects.create_superuser("root", password=PASSWORD)


def log_in(client: Client, *, path: str = "/login", password: str = PASSWORD, **more: str) -> tuple[int, str]:
    """The status, and where it leads to."""
    answer = client.post(path, {"username": "root", "password": password, **more})
    return answer.status_code, answer.get("location", "")


@pytest.mark.parametrize("path", ["/login", "/admin/login/"])
def test_login_leads_to_the_page_one_came_for(client: Client, path: str) -> None:
    """The admin has the same door."""
    assert log_in(client, path=path, next="/events?page=2") == (302, "/events?page=2")
    assert "Log out" in client.get("/").content.decode()


@pytest.mark.parametrize("elsewhere", ["", "https://example.org/", "//example.org", "javascript:alert(1)"])
def test_login_never_leads_to_another_site(client: Client, elsewhere: str) -> None:
    """Then the dashboard it is."""
    assert log_in(client, next=elsewhere) == (302, "/")


def test_a_wrong_password_is_refused_with_words(client: Client) -> None:
    """The name stays in the form, the password does not."""
    answer = client.post("/login", {"username": "root", "password": "a-wrong-one"})
    page = answer.content.decode()
    assert "correct username and password" in page
    assert 'value="root"' in page
    assert "a-wrong-one" not in page


@pytest.mark.parametrize("path", ["/login", "/admin/login/"])
def test_guessing_is_slowed_down(client: Client, path: str) -> None:
    """The right password has to wait too: it may have been guessed."""
    for _ in range(FREE_TRIES_OF_A_USER + 1):
        assert log_in(client, path=path, password="a-guess")[0] == 200
    answer = client.post(path, {"username": "root", "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer["retry-after"]) in (1, 2)
    assert "Too many wrong passwords" in answer.content.decode()


def test_logging_out_is_a_form_and_leads_home(client: Client) -> None:
    """A link or picture on another site logs nobody out."""
    log_in(client)
    assert client.get("/logout").status_code == 405
    answer = client.post("/logout")
    assert (answer.status_code, answer["location"]) == (302, "/")
    assert "Log out" not in client.get("/").content.decode()


def test_the_signed_in_who_came_for_what_they_may_not_see_are_told(client: Client) -> None:
    """Instead of a form without a word."""
    client.force_login(User.objects.create_user("visitor"))
    assert client.get("/admin/")["location"] == "/admin/login/?next=/admin/"
    assert "You are visitor, who may not see" in client.get("/admin/login/?next=/admin/").content.decode()

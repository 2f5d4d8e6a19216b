"""Numbers for a README."""

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from notifications.analytics.badges import draw
from notifications.analytics.compact import compact
from registryhub.access.models import Repository, Source
from registryhub.access.repositories import set_public
from tests.notifications.analytics.logged import counted, logged

pytestmark = pytest.mark.django_db


@pytest.fixture
def pulled(db: None) -> None:
    """Three times now and twice long ago; something private is pulled too."""
    now = timezone.now()
    edge = Source.objects.create(name="edge")
    counted(
        *(logged("pull", "team/open", tag="v1", occurred_at=now, address=f"10.0.0.{host}:1") for host in range(3)),
        *(
            logged("pull", "team/open", occurred_at=now - timedelta(days=9), address=f"10.0.0.{host}:1")
            for host in range(2)
        ),
        logged("pull", "team/closed", occurred_at=now),
        logged("pull", "theirs", source_id=edge.pk, occurred_at=now),
    )
    for repository in Repository.objects.all():
        set_public(repository.pk, is_public=repository.name != "team/closed")


def words(client: Client, query: str, name: str = "team/open") -> str:
    answer = client.get(f"/badges/{name}/pulls.svg{query}")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "image/svg+xml; charset=utf-8"
    return str(ElementTree.fromstring(answer.content.decode()).attrib["aria-label"])  # our own picture


@pytest.mark.usefixtures("pulled")
def test_a_badge_shows_the_pulls(client: Client) -> None:
    """Of all time, of a window, of a tag, of another registry's repository."""
    assert words(client, "") == "pulls: 5"
    assert words(client, "?window=24h") == "pulls/24h: 3"
    assert words(client, "?window=30d") == "pulls/30d: 5"
    assert words(client, "?tag=v1") == "pulls: 3"
    assert words(client, "?tag=latest&window=7d") == "pulls/7d: 0"
    assert words(client, "?tag=latest&window=30d") == "pulls/30d: 2"
    assert words(client, "?tag=nothing") == "pulls: 0"
    assert words(client, "?source=edge", "theirs") == "pulls: 1"


@pytest.mark.usefixtures("pulled")
def test_a_badge_of_what_is_private_is_not_found() -> None:
    """By nobody: it is kept by caches for everybody. The same as of what does not exist."""
    staff = Client()
    staff.force_login(User.objects.create_superuser("root"))
    for client in (Client(), staff):
        hidden, missing = client.get("/badges/team/closed/pulls.svg"), client.get("/badges/nowhere/pulls.svg")
        assert (hidden.status_code, missing.status_code) == (404, 404)
        assert hidden.content.replace(b"team/closed", b"") == missing.content.replace(b"nowhere", b"")
    assert Client().get("/badges/team/open/pulls.svg?window=8d").status_code == 400
    assert Client().get("/badges/team/open/pulls.svg?tag=%00").status_code == 400


@pytest.mark.usefixtures("pulled")
def test_caches_may_keep_it_and_ask_whether_it_changed(client: Client) -> None:
    """It needs nobody else, and nothing in it is carried out."""
    first = client.get("/badges/team/open/pulls.svg?sparkline=1")
    assert first["Cache-Control"] == "public, max-age=300"
    assert "sandbox" in first["Content-Security-Policy"]
    text = first.content.decode()
    assert "<polyline" in text
    assert "version 1" in text
    assert text.count("http") == 1  # the name of the language
    again = client.get("/badges/team/open/pulls.svg?sparkline=1", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_whatever_is_drawn_is_text() -> None:
    """And well-formed."""
    picture = draw("<script>", '"&', [0, 0, 3])
    assert "<script>" not in picture
    assert ElementTree.fromstring(picture).attrib["aria-label"] == '<script>: "&'  # our own picture


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (9_999, "9,999"), (12_000, "12k"), (1_540_000, "1.5M")])
def test_large_numbers_are_short(number: int, text: str) -> None:
    """As they are on charts."""
    assert compact(number) == text

"""`/repositories/<name>`: one repository."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.analytics.models import TagTotals
from registryhub.access.models import Repository
from tests.webui.filled import count, log_push, make_repository, store_image

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def app() -> Repository:
    repository = make_repository("team/sub/app")
    now = timezone.now()
    digest = store_image(repository, "old", "v1", moved_at=now - timedelta(days=3))
    log_push(repository, "v1", digest=digest)
    digest = store_image(repository, "new", "v2", "edge", moved_at=now)
    log_push(repository, "v2", digest=digest)
    log_push(repository, "edge", digest=digest)
    count(repository, pulls=4321, tag="v1")
    return repository


def read(client: Client, query: str = "", name: str = "team/sub/app") -> str:
    answer = client.get(f"/repositories/{name}{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def tags(page: str) -> list[str]:
    """The tags of the table, in its order."""
    return re.findall(r'<td><a class="name" href="/repositories/team/sub/app/-/tags/[^"]+">([^<]+)</a></td>', page)


def test_a_repository_is_shown_with_its_tags(client: Client) -> None:
    """What was pushed last comes first."""
    page = read(client)
    assert tags(page) == ["edge", "v2", "v1"]
    assert "docker pull testserver/team/sub/app:edge" in page
    assert "4,321" in page
    assert ">public</span>" in page
    assert 'href="/repositories?search=team%2Fsub/"' in page


def test_its_history_takes_pushes_of_one_image_together(client: Client, staff: Client) -> None:
    """Who pushed is for staff."""
    page = read(client)
    assert re.search(r"edge and v2 →.*?v1 →", page, re.DOTALL)
    assert "a-robot" not in page
    assert "by a-robot" in read(staff)


def test_what_is_not_public_is_not_there(client: Client, staff: Client) -> None:
    """The answer is the same as for what does not exist."""
    make_repository("secret/app", is_public=False)
    hidden, missing = client.get("/repositories/secret/app"), client.get("/repositories/nothing/app")
    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert hidden.content.replace(b"secret/app", b"nothing/app") == missing.content
    client.force_login(User.objects.create_user("visitor"))
    assert client.get("/repositories/secret/app").status_code == 404
    assert ">private</span>" in read(staff, name="secret/app")


def test_another_registrys_repository_says_whose_it_is(staff: Client) -> None:
    """Of its tags there is what events have told."""
    count(make_repository("team/sub/app", source="harbor"), pulls=7, tag="theirs")
    page = read(staff, "?source=harbor")
    assert "harbor" in page
    assert "docker pull" not in page
    assert 'href="/repositories/team/sub/app/-/tags/theirs?source=harbor"' in page
    assert "edge" not in page


@pytest.mark.parametrize("window", ["24h", "7d", "30d", "90d", "all", "nonsense"])
def test_the_chart_has_any_window(client: Client, window: str) -> None:
    """An unknown one is the week."""
    assert 'role="img"' in read(client, f"?window={window}")


def test_with_script_only_the_chart_is_exchanged(client: Client) -> None:
    """The same address is the whole page for the way back."""
    headers = {"HX-Request": "true", "HX-Target": "pulls"}
    part = client.get("/repositories/team/sub/app?window=30d", headers=headers)
    assert part.content.decode().strip().startswith('<section class="card" id="pulls"')
    assert "HX-Request" in part["vary"]
    whole = client.get("/repositories/team/sub/app", headers=headers | {"HX-History-Restore-Request": "true"})
    assert b"<!doctype html>" in whole.content


def test_tags_are_found_and_ordered(client: Client) -> None:
    """By name, and by a part of it."""
    assert tags(read(client, "?order=name")) == ["edge", "v1", "v2"]
    assert tags(read(client, "?search=v")) == ["v2", "v1"]
    assert "No tag is called so" in read(client, "?search=nothing")


def test_pages_of_tags_follow_each_other_both_ways(app: Repository, client: Client) -> None:
    """However many there are."""
    store_image(app, "many", *(f"m{number:03}" for number in range(60)), moved_at=timezone.now() + timedelta(hours=1))
    first = read(client)
    after = re.search(r'rel="next" href="([^"]+)"', first)
    assert after is not None
    second = read(client, after[1].replace("&amp;", "&"))
    assert tags(first) == [f"m{number:03}" for number in range(25)]
    assert tags(second) == [f"m{number:03}" for number in range(25, 50)]
    before = re.search(r'rel="prev" href="([^"]+)"', second)
    assert before is not None
    assert tags(read(client, before[1].replace("&amp;", "&"))) == tags(first)


@pytest.mark.parametrize("query", ["?cursor=nonsense", "?order=-pulls", "?search=%00", "?source=%00", "?cursor=~"])
def test_what_makes_no_sense_is_answered(client: Client, query: str) -> None:
    """Or not found, never an error."""
    assert client.get(f"/repositories/team/sub/app{query}").status_code in (200, 404)


def test_an_empty_repository_keeps_its_numbers(client: Client) -> None:
    """When all its tags are deleted."""
    count(make_repository("team/gone"), pulls=99)
    page = read(client, name="team/gone")
    assert "No tag is left here" in page
    assert "docker pull" not in page


@pytest.mark.parametrize("window", ["7d", "all"])
def test_many_tags_cost_no_more_queries(app: Repository, staff: Client, client: Client, window: str) -> None:
    """Signed in and not; each tag with an image of its own."""
    for number in range(30):
        log_push(app, f"m{number}", digest=store_image(app, f"text {number}", f"m{number}"))
        TagTotals.objects.create(repository=app, tag=f"m{number}", pulls=number)
    read(staff, "")  # which tags are immutable is remembered for two seconds
    for reader, most in ((staff, 15), (client, 13)):
        with CaptureQueriesContext(connection) as queries:
            assert len(tags(read(reader, f"?window={window}"))) == 25
        assert len(queries) <= most

"""`/repositories`: the images one may see."""

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.webui.filled import count, make_repository, store_image

pytestmark = pytest.mark.django_db


def names(page: str) -> list[str]:
    """The images of the page, in its order."""
    return re.findall(r'<a class="name" href="/repositories/[^"]+">([^<]+)</a>', page)


def read(client: Client, query: str = "") -> str:
    return client.get(f"/repositories{query}").content.decode()


@pytest.fixture(autouse=True)
def images() -> None:
    count(make_repository("team/web"), pulls=5)
    count(make_repository("team/api"), pulls=70)
    count(make_repository("secret/api", is_public=False), pulls=900)
    count(make_repository("team/api", source="harbor"), pulls=30)


def test_the_most_pulled_come_first(staff: Client) -> None:
    """With whose they are, and which are not public."""
    page = read(staff)
    assert names(page) == ["secret/api", "team/api", "team/api", "team/web"]
    assert page.count('<span class="chip">private</span>') == 1
    assert page.count('<span class="chip">harbor</span>') == 1
    assert 'href="/repositories/team/api?source=harbor"' in page


def test_the_anonymous_see_what_is_public(client: Client) -> None:
    """Also when they know how it is called."""
    assert names(read(client)) == ["team/api", "team/api", "team/web"]
    assert "secret" not in read(client).replace('value="secret"', "")
    assert names(read(client, "?search=secret")) == []


def test_images_are_found_by_a_part_of_their_name(client: Client) -> None:
    """Names are in lower case, whatever is typed."""
    assert names(read(client, "?search=API")) == ["team/api", "team/api"]
    assert names(read(client, "?search=api&source=harbor")) == ["team/api"]
    assert "No image that you may see is called so" in read(client, "?search=nothing")


def test_what_was_typed_stays_text(client: Client) -> None:
    """Wherever it is shown again."""
    page = read(client, "?search=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in page


@pytest.mark.parametrize("order", ["name", "-last_pushed_at", "-pulls"])
def test_pages_follow_each_other_both_ways(client: Client, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever they are ordered by; the image of two sources is on two lines."""
    monkeypatch.setattr("webui.images.listing.REPOSITORIES_ON_A_PAGE", 2)
    first = read(client, f"?order={order}")
    after = re.search(r'rel="next" href="([^"]+)"', first)
    assert after is not None
    second = read(client, after[1].replace("&amp;", "&"))
    assert sorted(names(first) + names(second)) == ["team/api", "team/api", "team/web"]
    before = re.search(r'rel="prev" href="([^"]+)"', second)
    assert before is not None
    assert names(read(client, before[1].replace("&amp;", "&"))) == names(first)


@pytest.mark.parametrize("query", ["?cursor=nonsense", "?order=nonsense", "?search=%00", "?source=nobody", "?cursor=~"])
def test_what_makes_no_sense_is_answered(client: Client, query: str) -> None:
    """Somebody has typed it."""
    assert client.get(f"/repositories{query}").status_code == 200


def test_many_images_cost_no_more_queries(staff: Client, client: Client) -> None:
    """Signed in and not."""
    for number in range(60):
        repository = make_repository(f"many/{number}")
        count(repository, pulls=number)
        store_image(repository, f"text {number}", "v1", "v2")
    for reader, most in ((staff, 8), (client, 6)):
        with CaptureQueriesContext(connection) as queries:
            assert len(names(read(reader))) == 50
        assert len(queries) <= most

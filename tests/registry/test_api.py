import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from notifications.analytics.models import RepositoryTotals, TagTotals
from registryhub.access.models import HUB_SOURCE_ID, Repository, Source
from registryhub.registry.models import Blob, BlobLink, Manifest, Tag
from tests.rest import Rest, staff, visitor

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TYPE = "application/vnd.oci.image.manifest.v1+json"


def stored(name: str, *tags: str, is_public: bool = True, sizes: tuple[int, ...] = ()) -> Repository:
    """A repository with tags, and blobs of those sizes."""
    repository = Repository.objects.create(source_id=HUB_SOURCE_ID, name=name, is_public=is_public)
    manifest = Manifest.objects.create(
        repository=repository, digest=f"sha256:{'a' * 64}", media_type=TYPE, size=442, payload=b"{}"
    )
    Tag.objects.bulk_create(
        [
            Tag(repository=repository, name=tag, manifest=manifest, digest=manifest.digest, media_type=TYPE, size=442)
            for tag in tags
        ]
    )
    for size in sizes:
        blob = Blob.objects.get_or_create(digest=f"sha256:{size:064}", defaults={"size": size})[0]
        BlobLink.objects.create(repository=repository, blob=blob)
    return repository


def pulled(repository: Repository, times: int, tag: str = "", at: datetime = NOON) -> None:
    RepositoryTotals.objects.create(
        repository=repository, pulls=times, checks=1, pushes=2, last_pulled_at=at, last_seen_at=at
    )
    if tag:
        TagTotals.objects.create(repository=repository, tag=tag, pulls=times, last_pulled_at=at)


def names(rows: list[dict[str, str]]) -> list[str]:
    return [row["name"] for row in rows]


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_repository_is_shown_with_its_numbers(slash: str) -> None:
    """In the list and by its name, slashes and all, with and without the trailing one."""
    repository = stored("team/app/web", "v1", "v2", sizes=(2**40, 5))
    stored("other", sizes=(2**40,))
    pulled(repository, 2**33)
    expected = {
        "name": "team/app/web",
        "source": "hub",
        "is_public": True,
        "pulls": 2**33,
        "checks": 1,
        "pushes": 2,
        "last_pulled_at": "2026-11-24T12:00:00Z",
        "last_seen_at": "2026-11-24T12:00:00Z",
        "last_pushed_at": None,
        "tags": 2,
        "size": 2**40 + 5,
        **dict.fromkeys(("excluded", "bytes", "pullers", "pulls_24h", "pulls_7d", "pulls_30d", "pulls_90d"), 0),
    }
    assert visitor().get(f"repositories/team/app/web{slash}").document == expected
    listed = visitor().get(f"repositories{slash}?ordering=-pulls").document
    assert listed["next"] is None
    assert listed["results"][0] == expected
    assert listed["results"][1] | {"size": 0} == dict.fromkeys(expected, 0) | {
        "name": "other",
        "source": "hub",
        "is_public": True,
        "last_pulled_at": None,
        "last_seen_at": None,
        "last_pushed_at": None,
    }


def test_what_is_private_is_seen_by_staff_only() -> None:
    """To others it is as if it did not exist, its tags too."""
    stored("open", "v1")
    stored("closed", "v1", is_public=False)
    eve = Rest(User.objects.create_user("eve"))
    for who in (visitor(), eve):
        assert names(who.all("repositories")) == ["open"]
        assert who.get("repositories/closed").status == 404
        assert who.get("repositories/closed").text == who.get("repositories/nowhere").text.replace("nowhere", "closed")
        assert who.get("tags?repository=closed").status == 404
    ada = staff()
    assert names(ada.all("repositories")) == ["closed", "open"]
    assert names(ada.all("tags?repository=closed")) == ["v1"]


def test_numbers_of_another_registry_are_asked_for_by_its_name() -> None:
    """They are never mixed with this hub's."""
    edge = Source.objects.create(name="edge")
    stored("app", "v1")
    pulled(Repository.objects.create(source=edge, name="app"), 7)
    ada = staff()
    (row,) = ada.all("repositories?source=edge")
    assert (row["source"], row["pulls"], row["tags"]) == ("edge", 7, 0)
    assert ada.get("repositories/app?source=edge").document["pulls"] == 7
    assert ada.get("repositories/app").document["pulls"] == 0
    assert ada.get("repositories?source=none").status == 404
    assert visitor().get("repositories?source=edge").status == 404


@pytest.mark.parametrize("ordering", ["name", "-name", "pulls", "-pulls", "-last_pulled_at", "last_pulled_at"])
def test_pages_follow_each_other_in_every_order(ordering: str) -> None:
    """Nothing twice, nothing left out; those without numbers are the smallest; names go bytewise."""
    expected = []
    for number, name in enumerate(("a-b", "ab", "a/b", "a.b", "b", "c", "d", "e")):
        repository = stored(name)
        pulls = number % 3 * 10
        if pulls:
            pulled(repository, pulls, at=NOON + timedelta(days=pulls))
        expected.append((pulls, name))
    key = 1 if "name" in ordering else 0
    expected.sort(key=lambda row: row[1])
    expected.sort(key=lambda row: row[key], reverse=ordering.startswith("-"))
    assert names(staff().all(f"repositories?ordering={ordering}&limit=3")) == [name for _, name in expected]


def test_a_repository_that_comes_between_two_pages_moves_nothing() -> None:
    """The cursor says where the page ended and not how many rows there were."""
    for name in ("b", "d", "f"):
        stored(name)
    ada = staff()
    first = ada.get("repositories?limit=2").document
    stored("a")
    stored("e")
    assert names(first["results"]) == ["b", "d"]
    assert names(ada.get(first["next"]).document["results"]) == ["e", "f"]


def test_a_page_costs_a_fixed_number_of_queries() -> None:
    """One each for the source, what is on the page, what there is to say of it, the tags and the sizes."""
    for number in range(12):
        pulled(stored(f"r{number}", "v1", "v2", sizes=(number + 1, 100)), number, tag="v1")
    who = visitor()
    for path, most in (("repositories", 5), ("repositories/r1", 5), ("tags?repository=r1", 4)):
        with CaptureQueriesContext(connection) as queries:
            assert who.get(path).status == 200
        assert len(queries) == most, path


def test_repositories_are_found_by_a_part_of_their_name() -> None:
    """Percent and underscore are letters like others."""
    for name in ("team/web", "team/api", "a_b", "axb"):
        stored(name)
    ada = staff()
    assert names(ada.all("repositories?search=team")) == ["team/api", "team/web"]
    assert names(ada.all("repositories?search=a_b")) == ["a_b"]
    assert names(ada.all("repositories?search=%25")) == []


@pytest.mark.parametrize(
    "path",
    [
        "repositories?ordering=colour",
        "repositories?limit=0",
        "repositories?limit=1001",
        "repositories?search=a%00b",
        "repositories?source=%00",
        "repositories?cursor=nonsense",
        "repositories?cursor=%C3%A9",
        "repositories?ordering=-pulls&cursor=WyJuYW1lIiwgImEiXQ",  # ["name", "a"]
        "repositories?ordering=-pulls&cursor=WyItcHVsbHMsbmFtZSIsICJ4IiwgImEiXQ",  # ["-pulls,name", "x", "a"]
        "repositories?cursor=WyJuYW1lIiwgeyJ0aW1lIjogIngifV0",  # ["name", {"time": "x"}]
        "repositories?cursor=WyJuYW1lIiwgIlx1ZDgwMCJd",  # ["name", "\ud800"]
        "repositories?cursor=WyJuYW1lIiwgIlx1MDAwMCJd",  # ["name", "\u0000"]
        "tags",
        "tags?repository=",
        "tags?repository=app&ordering=-pulls",
    ],
)
def test_questions_without_sense_are_refused(path: str) -> None:
    """400, never a fault of the database."""
    stored("app")
    assert staff().get(path).status == 400


@pytest.mark.parametrize("name", ["a%00b", "a%0Ab", "x" * 3000, "-/tags", "a//b", "%E9"])
def test_odd_names_are_not_found(name: str) -> None:
    """404 like any name that is not there."""
    assert staff().get(f"repositories/{name}").status == 404


@pytest.mark.parametrize("slash", ["", "/"])
def test_staff_makes_a_repository_public(slash: str) -> None:
    """Others may not, and learn nothing by trying."""
    stored("team/app", is_public=False)
    path = f"repositories/team/app{slash}"
    assert visitor().ask("PATCH", path, {"is_public": True}).status == 401
    assert Rest(User.objects.create_user("eve")).ask("PATCH", path, {"is_public": True}).status == 403
    assert visitor().get(path).status == 404
    ada = staff()
    assert ada.ask("PATCH", path, {"is_public": True}).document["is_public"] is True
    assert visitor().get(path).status == 200
    assert ada.ask("PATCH", path, {"is_public": "perhaps"}).status == 400
    assert ada.ask("PATCH", path, {}).status == 400
    assert ada.ask("PATCH", "repositories/nowhere", {"is_public": True}).status == 404
    assert ada.ask("PATCH", path, {"is_public": False}).document["is_public"] is False


@pytest.mark.parametrize("slash", ["", "/"])
def test_tags_are_shown_with_their_numbers(slash: str) -> None:
    """Paged by name; searched by a part of it; other repositories' tags of that name are not counted in."""
    repository = stored("team/app", *(f"v{number}" for number in range(5)))
    pulled(repository, 9, tag="v3")
    pulled(stored("other", "v2"), 5, tag="v2")
    rows = visitor().all(f"tags{slash}?repository=team/app&limit=2")
    assert [(row["name"], row["pulls"]) for row in rows] == [("v0", 0), ("v1", 0), ("v2", 0), ("v3", 9), ("v4", 0)]
    (row,) = visitor().all(f"tags{slash}?repository=team/app&search=3")
    assert row.pop("moved_at")
    assert row == {
        "name": "v3",
        "digest": f"sha256:{'a' * 64}",
        "media_type": TYPE,
        "size": 442,
        "pulls": 9,
        "pushes": 0,
        "checks": 0,
        "last_pulled_at": "2026-11-24T12:00:00Z",
        "last_seen_at": None,
        "last_pushed_at": None,
    }
    assert names(visitor().all("tags?repository=team/app&ordering=-name&limit=2")) == ["v4", "v3", "v2", "v1", "v0"]


def test_lists_are_to_be_had_as_csv() -> None:
    """The same rows, a line each."""
    pulled(stored("app", "v1"), 3, tag="v1")
    who = visitor()
    for path in ("repositories?format=csv", "tags?repository=app&format=csv"):
        answer = who.get(path)
        assert answer.headers["Content-Type"].startswith("text/csv")
        header, line = csv.reader(io.StringIO(answer.text))
        assert dict(zip(header, line, strict=True))["pulls"] == "3"


@pytest.mark.parametrize("path", ["repositories", "repositories/app", "tags?repository=app"])
def test_what_has_not_changed_is_not_sent_again(path: str) -> None:
    """By its ETag."""
    repository = stored("app", "v1")
    client = Client()
    first = client.get(f"/api/v1/{path}")
    again = client.get(f"/api/v1/{path}", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    pulled(repository, 7, tag="v1")
    assert client.get(f"/api/v1/{path}", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_repositories_are_ordered_by_a_window() -> None:
    """By what the boards count."""
    for name, times in (("a", 1), ("b", 3), ("c", 2)):
        pulled(stored(name), 9)
        RepositoryTotals.objects.filter(repository__name=name).update(pulls_7d=times)
    assert names(visitor().get("repositories?ordering=-pulls_7d").document["results"]) == ["b", "c", "a"]

"""Pages of tags and repositories."""

import pytest
from django.db import connection

from registryhub.access.models import HUB_SOURCE_ID, Repository, Source
from registryhub.database.lookups import Lookup
from registryhub.oci.errors import OciError
from registryhub.oci.media_types import OCI_MANIFEST
from registryhub.registry import listings, manifests, tags
from registryhub.registry.listings import EVERYTHING
from registryhub.registry.models import Manifest, Tag
from tests.registry.stage import CONTEXT, counted_queries, image_bytes, link_blob, put

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ["0", "A", "Z", "_a", "a", "a-b", "a.b", "a_b", "ab", "b"]


def make_repositories(names: list[str], *, source_id: int = HUB_SOURCE_ID) -> None:
    """With one manifest and one tag each."""
    made = Repository.objects.bulk_create([Repository(source_id=source_id, name=name) for name in names])
    rows = Manifest.objects.bulk_create(
        [
            Manifest(repository=repository, digest=f"sha256:{'0' * 64}", media_type=OCI_MANIFEST, size=2, payload=b"{}")
            for repository in made
        ]
    )
    make_tags(rows, ["latest"])


def make_tags(rows: list[Manifest], names: list[str]) -> None:
    Tag.objects.bulk_create(
        Tag(
            repository_id=row.repository_id,
            name=name,
            manifest=row,
            digest=row.digest,
            media_type=row.media_type,
            size=2,
        )
        for row in rows
        for name in names
    )


def test_tags_come_in_bytewise_order_page_by_page() -> None:
    """Upper case before `_` before lower case, `-` before `.` before `_`; the bound need not exist."""
    make_repositories(["team/app"])
    Tag.objects.all().delete()
    make_tags(list(Manifest.objects.all()), NAMES)
    assert listings.list_tags("team/app", after="", limit=EVERYTHING).names == sorted(NAMES)
    walked: list[str] = []
    has_more = True
    while has_more:
        page = listings.list_tags("team/app", after=walked[-1] if walked else "", limit=3)
        walked, has_more = walked + page.names, page.has_more
    assert walked == sorted(NAMES)
    assert listings.list_tags("team/app", after="a+", limit=2).names == ["a-b", "a.b"]


@pytest.mark.parametrize(("limit", "has_more"), [(9, True), (10, False), (11, False)])
def test_more_is_promised_only_if_there_is_more(limit: int, has_more: bool) -> None:
    """A page that is just full is the last one."""
    make_repositories([f"r{number}" for number in range(10)])
    page = listings.list_repositories(after="", limit=limit)
    assert (len(page.names), page.has_more) == (min(limit, 10), has_more)


def test_a_repository_without_manifests_is_unknown() -> None:
    """Blobs alone make none; with a manifest but no tag the list is empty."""
    link_blob("team/blobs", b"x")
    for name in ("team/nothing", "team/blobs"):
        with pytest.raises(OciError) as caught:
            listings.list_tags(name, after="", limit=5)
        assert (caught.value.code.code, caught.value.detail) == ("NAME_UNKNOWN", {"name": name})
    digest = put("team/app", image_bytes("team/app", "one"), tag="v1")
    tags.delete(CONTEXT, "team/app", "v1")
    assert listings.list_tags("team/app", after="", limit=5).names == []
    manifests.delete(CONTEXT, "team/app", digest)
    with pytest.raises(OciError):
        listings.list_tags("team/app", after="", limit=5)


def test_the_catalog_holds_this_hubs_repositories_that_have_manifests() -> None:
    """Emptied ones are gone, other registries' are their own; parents come before children."""
    other = Source.objects.create(name="other")
    make_repositories(["b", "a/c", "a", "a-b", "a0"])
    make_repositories(["elsewhere"], source_id=other.pk)
    link_blob("only/blobs", b"x")
    assert listings.list_repositories(after="", limit=10).names == ["a", "a-b", "a/c", "a0", "b"]
    Manifest.objects.filter(repository__name="a-b").delete()
    assert listings.list_repositories(after="a", limit=2).names == ["a/c", "a0"]


def plan_of(lookup: Lookup, *parameters: str | int) -> str:
    with connection.cursor() as cursor:
        explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
        cursor.execute(explain + lookup.sql, parameters)
        return "\n".join(str(row) for row in cursor.fetchall())


def test_pages_are_read_by_their_indexes_and_never_sorted() -> None:
    """With many rows a page costs what it shows."""
    make_repositories([f"r{number:05}" for number in range(3000)])
    make_tags([Manifest.objects.all()[0]], [f"t{number:05}" for number in range(3000)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    name = Manifest.objects.all()[0].repository.name
    plans = [
        plan_of(listings._TAGS, HUB_SOURCE_ID, name, "t00100", 10),
        plan_of(listings._CATALOG, HUB_SOURCE_ID, "r00100", 10),
    ]
    for plan in plans:
        assert "Sort" not in plan
        assert "TEMP B-TREE" not in plan
        assert "Seq Scan" not in plan
        assert "SCAN registry" not in plan


def test_a_page_is_one_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a second one only for an empty list."""
    make_repositories(["team/app"])
    with counted_queries(monkeypatch) as asked:
        listings.list_tags("team/app", after="", limit=5)
        listings.list_repositories(after="", limit=5)
        assert asked == ["listing_tags", "listing_catalog"]
        listings.list_tags("team/app", after="z", limit=5)
        assert asked[2:] == ["listing_tags", "listing_has_manifests"]

"""Where a blob can be mounted from, when its client does not say (OCI distribution-spec 1.1 "Mounting a blob")."""

import pytest
from django.db import connection

from registryhub.access.models import HUB_SOURCE_ID, Repository, Source
from registryhub.oci.digests import digest_of
from registryhub.registry import blobs
from registryhub.registry.models import Blob, BlobLink
from tests.registry.stage import counted_queries, link_blob

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = b"a layer that everybody has"
DIGEST = digest_of(CONTENT)


def test_the_oldest_repository_is_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Always the same one, by one query, whoever linked the blob last."""
    for name in ("z/first", "b/second", "a/third"):
        link_blob(name, b"something else")
    for name in ("a/third", "b/second", "z/first"):
        link_blob(name, CONTENT)
    with counted_queries(monkeypatch) as asked:
        assert blobs.find_source("new/app", DIGEST) == "z/first"
        assert len(asked) == 1


def test_a_repository_is_its_own_source_only_if_nobody_else_has_the_blob() -> None:
    """An event should name where the blob came from."""
    link_blob("first/app", CONTENT)
    assert blobs.find_source("first/app", DIGEST) == "first/app"
    link_blob("second/app", CONTENT)
    assert blobs.find_source("first/app", DIGEST) == "second/app"
    assert blobs.find_source("second/app", DIGEST) == "first/app"


def test_what_nobody_links_has_no_source() -> None:
    """A blob whose last link went away, one that never was, and one of another registry."""
    Blob.objects.create(digest=str(DIGEST), size=len(CONTENT))
    assert blobs.find_source("new/app", DIGEST) is None
    assert blobs.find_source("new/app", digest_of(b"unknown")) is None
    elsewhere = Repository.objects.create(source=Source.objects.create(name="other"), name="first/app")
    BlobLink.objects.create(repository=elsewhere, blob=Blob.objects.get())
    assert blobs.find_source("new/app", DIGEST) is None


def test_a_source_is_found_by_an_index_among_many() -> None:
    """However many repositories share the blob, one or two links are read; nothing is sorted."""
    link_blob("first/app", CONTENT)
    names = [f"app{number:04}" for number in range(2000)]
    made = Repository.objects.bulk_create([Repository(source_id=HUB_SOURCE_ID, name=name) for name in names])
    BlobLink.objects.bulk_create([BlobLink(repository=each, blob=Blob.objects.get()) for each in made])
    others = Blob.objects.bulk_create([Blob(digest=f"sha256:{number:064}", size=1) for number in range(2000)])
    BlobLink.objects.bulk_create([BlobLink(repository=made[0], blob=other) for other in others])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        explain = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
        cursor.execute(explain + blobs._FIND_SOURCES.sql, (str(DIGEST), HUB_SOURCE_ID))
        plan = "\n".join(str(row) for row in cursor.fetchall())
    assert "bloblink_blob_repository" in plan
    for costly in ("Sort", "TEMP B-TREE", "Seq Scan", "SCAN"):
        assert costly not in plan, plan

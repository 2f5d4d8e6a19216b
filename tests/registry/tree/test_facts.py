import pytest
from django.db import connection

from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.oci.digests import digest_of
from registryhub.oci.media_types import OCI_MANIFEST
from registryhub.registry.models import Blob, BlobLink, Manifest, ManifestReference, Tag
from registryhub.registry.tree import facts
from registryhub.registry.tree.changes import Changes, TagChanges
from tests.registry.stage import image_bytes, put

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 5000


def fill() -> None:
    """A repository with many of everything, and many repositories with one blob of it."""
    repositories = [Repository(source_id=HUB_SOURCE_ID, name=f"team/app-{number}") for number in range(MANY)]
    Repository.objects.bulk_create(repositories)
    blobs = [Blob(digest=f"sha256:{number:064x}", size=1) for number in range(MANY)]
    Blob.objects.bulk_create(blobs)
    first = repositories[0]
    links = [BlobLink(repository=first, blob=blob) for blob in blobs]
    links += [BlobLink(repository=repository, blob=blobs[0]) for repository in repositories[1:]]
    BlobLink.objects.bulk_create(links)
    manifests = [
        Manifest(repository=first, digest=blob.digest, media_type=OCI_MANIFEST, size=2, payload=b"{}") for blob in blobs
    ]
    Manifest.objects.bulk_create(manifests)
    ManifestReference.objects.bulk_create(
        ManifestReference(manifest=manifest, digest=blobs[0].digest, repository=first) for manifest in manifests
    )
    Tag.objects.bulk_create(
        Tag(repository=first, name=f"v{number}", manifest=manifest, digest=manifest.digest, size=2)
        for number, manifest in enumerate(manifests)
    )


def test_what_is_so_is_said_of_each_repository_by_itself() -> None:
    """A blob or tag of one is none of another."""
    content = image_bytes("app", "one")
    put("app", content, tag="1")
    digest, layer = digest_of(content), digest_of(b"layer 0 one")
    asked = Changes(digests={digest, layer}, tags={"1": TagChanges(), "2": TagChanges()})
    found = facts.find_facts({"app": asked, "other": asked})
    assert found.manifests == {("app", digest)}
    assert found.linked == {("app", digest_of(part)) for part in (b"config one", b"layer 0 one", b"layer 1 one")}
    assert found.tags == {("app", "1"): digest}


@pytest.mark.only_database("postgres")
def test_what_is_so_is_found_by_indexes_on_postgres() -> None:
    """However much there is of a repository, and of repositories."""
    fill()
    parameters: list[list[str] | int] = [["team/app-0"], [f"sha256:{1:064x}"], HUB_SOURCE_ID]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        for sql in (facts._LINKED, facts._REFERRED, facts._MANIFESTS, facts._TAGS):
            cursor.execute("EXPLAIN " + sql.format(wanted=facts._WANTED["postgresql"]), parameters)
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan" not in plan, plan

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.registry.models import Blob, BlobLink, Manifest, Tag, Upload

pytestmark = pytest.mark.django_db

TYPE = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def fill(first: int, count: int) -> None:
    for number in range(first, first + count):
        repository = Repository.objects.create(source_id=HUB_SOURCE_ID, name=f"team/r{number}")
        blob = Blob.objects.create(digest=f"sha256:{number:064}", size=number)
        BlobLink.objects.create(repository=repository, blob=blob)
        manifest = Manifest.objects.create(
            repository=repository, digest=blob.digest, media_type=TYPE, size=9, payload=b'{"schemaVersion":2}'
        )
        Tag.objects.create(
            repository=repository, name="v1", manifest=manifest, digest=blob.digest, media_type=TYPE, size=9
        )
        Upload.objects.create(repository_name=repository.name)


@pytest.mark.parametrize("model", [Blob, BlobLink, Manifest, Tag, Upload])
def test_what_is_stored_can_be_looked_at_and_not_changed(root: Client, model: type) -> None:
    """It changes by pushes, deletes and collections only."""
    fill(0, 2)
    path = f"/admin/registry/{model.__name__.lower()}/"
    assert root.get(path).status_code == 200
    key = model.objects.values_list("pk", flat=True)[0]  # type: ignore[attr-defined]
    page = root.get(f"{path}{key}/change/")
    assert page.status_code == 200
    if model is Manifest:
        assert "&quot;schemaVersion&quot;: 2" in page.content.decode()
    assert root.post(f"{path}{key}/change/", {"size": 7}).status_code == 403
    assert root.post(f"{path}{key}/delete/", {"post": "yes"}).status_code == 403
    assert root.get(f"{path}add/").status_code == 403


@pytest.mark.parametrize("model", [Blob, BlobLink, Manifest, Tag, Upload])
def test_a_list_costs_the_same_for_few_and_many(root: Client, model: type) -> None:
    """No query a row, and no count of the whole table."""
    path = f"/admin/registry/{model.__name__.lower()}/"
    fill(0, 2)
    with CaptureQueriesContext(connection) as few:
        root.get(path)
    fill(2, 8)
    with CaptureQueriesContext(connection) as many:
        root.get(path)
    assert len(few) == len(many)
    counting = [query["sql"] for query in many.captured_queries if "COUNT(" in query["sql"]]
    assert all("LIMIT" in sql for sql in counting)
    assert "payload" not in "".join(query["sql"] for query in many.captured_queries)

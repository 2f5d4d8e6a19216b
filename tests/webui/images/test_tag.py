"""`/repositories/<name>/-/tags/<tag>`: one tag."""

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registryhub.access.models import Repository
from registryhub.oci.media_types import OCI_INDEX
from registryhub.registry.models import Blob, BlobLink, Manifest, Tag
from registryhub.storage import paths
from registryhub.storage.memory import MemoryDriver
from tests.registry.stage import image_bytes, index_bytes, put
from tests.webui.filled import count, log_push, make_repository, store_image
from webui.images import tag as pages

pytestmark = pytest.mark.django_db

CONFIG = {
    "os": "linux",
    "architecture": "amd64",
    "config": {"Entrypoint": ["/bin/<app>"], "Labels": {"org.opencontainers.image.title": "An app"}},
    "history": [{"created_by": "COPY app /bin/app"}],
}


@pytest.fixture(autouse=True)
def app() -> Repository:
    repository = make_repository("team/app")
    digest = store_image(repository, "text", "v1")
    log_push(repository, "v1", digest=digest)
    log_push(repository, "v2", digest="sha256:other")
    count(repository, pulls=4321, tag="v1")
    return repository


def read(client: Client, path: str = "team/app/-/tags/v1") -> str:
    answer = client.get(f"/repositories/{path}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_tag_is_shown_with_what_it_points_at(client: Client) -> None:
    """And how to pull it, by its name and by what it is now."""
    page = read(client)
    digest = Tag.objects.get(name="v1").digest
    assert "docker pull testserver/team/app:v1" in page
    assert f"docker pull testserver/team/app@{digest}" in page
    assert "4,321" in page
    assert "Layers" in page
    assert "sha256:other" not in page


def test_its_configuration_says_how_it_runs(app: Repository, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever pushed it wrote it: it is text."""
    driver = MemoryDriver()
    manifest = json.loads(bytes(Manifest.objects.get().payload))
    content = json.dumps(CONFIG).encode()
    config = manifest["config"] | {"size": len(content)}
    algorithm, _, hex_ = config["digest"].partition(":")
    driver.write(paths.blob_data(algorithm, hex_), content)
    Manifest.objects.update(payload=json.dumps(manifest | {"config": config}).encode())
    monkeypatch.setattr(pages, "configured_driver", lambda: driver)
    page = read(client)
    assert "linux/amd64" in page
    assert "/bin/&lt;app&gt;" in page
    assert "COPY app /bin/app" in page
    assert "An app" in page


def test_an_index_shows_its_platforms(client: Client) -> None:
    """Each with what is pulled for it."""
    children = [image_bytes("team/app", "one"), image_bytes("team/app", "two")]
    for child in children:
        put("team/app", child)
    put("team/app", index_bytes(children), tag="all", media_type=OCI_INDEX)
    page = read(client, "team/app/-/tags/all")
    assert "linux/amd64" in page
    assert "linux/arm64" in page
    assert "of all platforms" in page


def test_a_deleted_tag_keeps_its_numbers(client: Client) -> None:
    """As long as it is counted."""
    Tag.objects.all().delete()
    page = read(client)
    assert "This tag is deleted" in page
    assert "4,321" in page


def test_what_cannot_be_seen_or_is_not_there_is_not_found(client: Client) -> None:
    """Tags of what is not public above all."""
    store_image(make_repository("secret/app", is_public=False), "text", "v1")
    for path in ("secret/app/-/tags/v1", "team/app/-/tags/v9", "nothing/-/tags/v1", "team/app/-/tags/%00"):
        assert client.get(f"/repositories/{path}").status_code == 404


def test_a_manifest_that_cannot_be_read_does_no_harm(client: Client) -> None:
    """The page says so."""
    Manifest.objects.update(payload=b"not JSON")
    assert "The manifest cannot be read" in read(client)


@pytest.mark.parametrize("window", ["7d", "all"])
def test_the_number_of_queries_is_fixed(app: Repository, staff: Client, window: str) -> None:
    """Whatever the tag points at."""
    children = [image_bytes("team/app", f"text {number}", layers=9) for number in range(4)]
    for child in children:
        put("team/app", child)
    put("team/app", index_bytes(children), tag="all", media_type=OCI_INDEX)
    for number in range(50):
        log_push(app, "all", digest=f"sha256:{number}")
    for tag in ("v1", "all"):
        with CaptureQueriesContext(connection) as queries:
            read(staff, f"team/app/-/tags/{tag}?window={window}")
        assert len(queries) <= 12


def test_a_configuration_of_another_repository_is_not_shown(
    app: Repository, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when a manifest that was pushed long ago names it."""
    driver = MemoryDriver()
    content = json.dumps(CONFIG).encode()
    manifest = json.loads(bytes(Manifest.objects.get().payload))
    algorithm, _, hex_ = manifest["config"]["digest"].partition(":")
    driver.write(paths.blob_data(algorithm, hex_), content)
    BlobLink.objects.filter(blob=Blob.objects.get(digest=manifest["config"]["digest"])).delete()
    monkeypatch.setattr(pages, "configured_driver", lambda: driver)
    assert "linux/amd64" not in read(client)

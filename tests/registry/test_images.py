"""What an image is to people."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registryhub.access.models import Repository
from registryhub.oci.digests import digest_of, parse_digest
from registryhub.oci.media_types import OCI_INDEX
from registryhub.registry.images import Image, read_config, read_images
from registryhub.registry.models import BlobLink, Manifest
from registryhub.storage import paths
from registryhub.storage.memory import MemoryDriver
from tests.registry.stage import CONFIG_TYPE, LAYER_TYPE, dump, image_bytes, index_bytes, link_blob, put

pytestmark = pytest.mark.django_db

NAME = "team/app"


@pytest.fixture
def driver() -> MemoryDriver:
    return MemoryDriver()


def put_image(driver: MemoryDriver, architecture: str, *layers: bytes) -> bytes:
    """An image with a readable configuration."""
    config = json.dumps({"os": "linux", "architecture": architecture}).encode()
    digest = digest_of(config)
    driver.write(paths.blob_data(digest.algorithm, digest.hex), config)
    document = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": CONFIG_TYPE, **link_blob(NAME, config)},
        "layers": [{"mediaType": LAYER_TYPE, **link_blob(NAME, layer)} for layer in layers],
    }
    content = dump(document)
    put(NAME, content)
    return content


def read(driver: MemoryDriver, *digests: str) -> dict[str, Image]:
    return read_images(Repository.objects.get(name=NAME).pk, digests, driver)


def test_an_image_is_as_large_as_what_a_client_fetches(driver: MemoryDriver) -> None:
    """Manifest, configuration and layers; its platform stands in the configuration."""
    content = put_image(driver, "arm64", b"x" * 1000, b"y" * 500)
    found = read(driver, str(digest_of(content)))[str(digest_of(content))]
    config_bytes = len(json.dumps({"os": "linux", "architecture": "arm64"}))
    assert found.size == len(content) + config_bytes + 1500
    assert [variant.size for variant in found.variants] == [found.size]
    assert [str(platform) for platform in found.platforms] == ["linux/arm64"]


def test_an_index_counts_what_its_images_share_once(driver: MemoryDriver) -> None:
    """Each platform has the size that is pulled for it."""
    children = [put_image(driver, "amd64", b"shared" * 100), put_image(driver, "arm64", b"shared" * 100)]
    content = index_bytes(children)
    put(NAME, content, media_type=OCI_INDEX)
    found = read(driver, str(digest_of(content)))[str(digest_of(content))]
    sizes = [variant.size or 0 for variant in found.variants]
    assert found.size == len(content) + sum(sizes) - 600
    assert [str(platform) for platform in found.platforms] == ["linux/amd64", "linux/arm64"]


def test_children_that_are_gone_have_no_size(driver: MemoryDriver) -> None:
    """The index still says for which platforms they were."""
    children = [put_image(driver, "amd64", b"one"), put_image(driver, "arm64", b"two")]
    content = index_bytes(children)
    put(NAME, content, media_type=OCI_INDEX)
    Manifest.objects.filter(digest=str(digest_of(children[1]))).delete()
    found = read(driver, str(digest_of(content)))[str(digest_of(content))]
    assert [variant.size is None for variant in found.variants] == [False, True]
    assert len(found.platforms) == 2


def test_an_image_whose_configuration_is_lost_has_no_platform(driver: MemoryDriver) -> None:
    """Nor has one whose configuration the repository no longer has: it may be another's by now."""
    kept, lost = put_image(driver, "amd64", b"one"), put_image(driver, "arm64", b"two")
    config = json.loads(lost)["config"]["digest"]
    BlobLink.objects.filter(blob__digest=config).delete()
    other = image_bytes(NAME, "no bytes in the driver")
    put(NAME, other)
    digests = [str(digest_of(content)) for content in (kept, lost, other)]
    found = read(driver, *digests)
    assert [len(found[digest].platforms) for digest in digests] == [1, 0, 0]


def test_a_configuration_is_read_for_its_repository_only(driver: MemoryDriver) -> None:
    """By one query."""
    content = put_image(driver, "s390x", b"one")
    (variant,) = read(driver, str(digest_of(content)))[str(digest_of(content))].variants
    assert variant.manifest is not None
    key = Repository.objects.get(name=NAME).pk
    config = read_config(key, variant.manifest, driver)
    assert config is not None
    assert config.platform.architecture == "s390x"
    assert read_config(key + 1, variant.manifest, driver) is None


def test_many_images_cost_three_queries(driver: MemoryDriver) -> None:
    """Manifests, their children, and whether the repository has their configurations."""
    digests = []
    for number in range(30):
        content = index_bytes([put_image(driver, "amd64", b"%d" % number)])
        put(NAME, content, media_type=OCI_INDEX)
        digests += [str(digest_of(content)), str(digest_of(put_image(driver, "arm64", b"alone %d" % number)))]
    key = Repository.objects.get(name=NAME).pk
    with CaptureQueriesContext(connection) as queries:
        found = read_images(key, digests, driver)
    assert len(found) == 60
    assert len(queries) == 3


def test_what_cannot_be_read_is_left_out(driver: MemoryDriver) -> None:
    """A page shows the others."""
    digest = put(NAME, image_bytes(NAME, "fine"))
    Manifest.objects.filter(digest=digest).update(payload=b"not JSON")
    assert read(driver, digest, str(parse_digest(f"sha256:{'0' * 64}"))) == {}

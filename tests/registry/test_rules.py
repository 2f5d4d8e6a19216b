"""What manifests may say and what must be there, by the configuration (reference A.2 and B.7)."""

from typing import Any

import orjson
import pytest

from registryhub.config.registry import IndexPlatform
from registryhub.oci.digests import digest_of
from registryhub.oci.errors import OciError
from registryhub.oci.media_types import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from registryhub.registry.models import Manifest, ManifestReference
from tests.registry.stage import (
    CONFIG_TYPE,
    LAYER_TYPE,
    changed_document,
    dump,
    image_bytes,
    index_bytes,
    link_blob,
    put_under,
)

pytestmark = pytest.mark.django_db(transaction=True)

REPOSITORY = "team/app"
ABSENT = f"sha256:{'f' * 64}"
URL = "https://blobs.example.org/base.tar"
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
NONDISTRIBUTABLE = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
ALLOWED: dict[str, Any] = {"validation__manifests__urls__allow": ("example\\.org/",)}
OFF: dict[str, Any] = {"validation__disabled": True}


def image_with(layer_type: str, *urls: str, digest: str = ABSENT, media_type: str = OCI_MANIFEST) -> bytes:
    """An image of a configuration that is there and one layer."""
    layer = {"mediaType": layer_type, "digest": digest, "size": 1, **({"urls": urls} if urls else {})}
    return changed_document(image_bytes(REPOSITORY, "one", media_type=media_type), layers=[layer])


def refused(content: bytes, media_type: str = OCI_MANIFEST, **config: Any) -> list[tuple[str, Any]]:
    """The codes and details of the errors; nothing was stored."""
    before = Manifest.objects.count()
    with pytest.raises(OciError) as caught:
        put_under(REPOSITORY, content, "v1", media_type=media_type, **config)
    assert Manifest.objects.count() == before
    return [(error["code"], error["detail"]) for error in caught.value.document()["errors"]]


@pytest.mark.parametrize("layer_type", [NONDISTRIBUTABLE, FOREIGN, LAYER_TYPE])
def test_without_a_list_no_url_is_let_in(layer_type: str) -> None:
    """With the mend, and 400 where the reference has 500."""
    ((code, detail),) = refused(image_with(layer_type, URL))
    assert code == "MANIFEST_INVALID"
    assert ABSENT in detail
    assert "push it without urls" in detail


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
@pytest.mark.parametrize("layer_type", [NONDISTRIBUTABLE, FOREIGN])
def test_a_layer_of_elsewhere_need_not_be_here(layer_type: str, media_type: str) -> None:
    """When its URLs are let in; what it refers to is written down all the same."""
    put_under(REPOSITORY, image_with(layer_type, URL, media_type=media_type), media_type=media_type, **ALLOWED)
    assert ManifestReference.objects.filter(digest=ABSENT).exists()


@pytest.mark.parametrize(
    ("layer_type", "urls"), [(LAYER_TYPE, [URL]), (FOREIGN, []), (NONDISTRIBUTABLE, []), ("application/x", [URL])]
)
def test_any_other_layer_must_be_here(layer_type: str, urls: list[str]) -> None:
    """One that may be distributed also with URLs, one of elsewhere without them; present it is let in."""
    assert refused(image_with(layer_type, *urls), **ALLOWED) == [("MANIFEST_BLOB_UNKNOWN", ABSENT)]
    present = link_blob(REPOSITORY, b"a layer")["digest"]
    put_under(REPOSITORY, image_with(layer_type, *urls, digest=present), **ALLOWED)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://blobs.example.org/x", "must begin with http"),
        ("blobs.example.org/x", "must begin with http"),
        ("https:///x", "must begin with http"),
        ("https://[blobs.example.org/x", "must begin with http"),
        (f"{URL}#part", "no fragment"),
        ("https://elsewhere.test/x", "urls.allow matches"),
        ("https://blobs.example.org/secret/x", "urls.deny refuses"),
    ],
)
def test_a_url_must_be_of_the_web_and_let_in(url: str, said: str) -> None:
    """The refusal says which rule; one bad URL of several is enough."""
    config: dict[str, Any] = {**ALLOWED, "validation__manifests__urls__deny": ("/secret/",)}
    ((code, detail),) = refused(image_with(FOREIGN, URL, url), **config)
    assert code == "MANIFEST_INVALID"
    assert said in detail


def test_with_denied_urls_alone_all_others_are_let_in() -> None:
    """Patterns are found anywhere in the URL."""
    config: dict[str, Any] = {"validation__manifests__urls__deny": ("internal",)}
    put_under(REPOSITORY, image_with(FOREIGN, URL), **config)
    assert refused(image_with(FOREIGN, "https://blobs.internal/x"), **config)[0][0] == "MANIFEST_INVALID"


def test_every_refused_url_is_named() -> None:
    """An entry each; huge ones are cut."""
    errors = refused(image_with(FOREIGN, "ftp://a", f"ftp://{'b' * 10_000}"), **ALLOWED)
    assert [code for code, _ in errors] == ["MANIFEST_INVALID"] * 2
    assert all(len(detail) < 500 for _, detail in errors)


def incomplete_index() -> tuple[bytes, list[str]]:
    """Of amd64, which is here, of arm64 and of one without a platform, which are not; and their digests."""
    images = [image_bytes(REPOSITORY, text) for text in ("amd64", "arm64", "plain")]
    put_under(REPOSITORY, images[0])
    plain = {"mediaType": OCI_MANIFEST, "digest": str(digest_of(images[2])), "size": len(images[2])}
    listed = [*orjson.loads(index_bytes(images[:2]))["manifests"], plain]
    return dump({"schemaVersion": 2, "manifests": listed}), [child["digest"] for child in listed]


def platforms(*listed: str) -> dict[str, Any]:
    """The configuration that names these platforms, such as linux/amd64."""
    pairs = [each.split("/") for each in listed]
    return {
        "validation__manifests__indexes__platforms": "list",
        "validation__manifests__indexes__platformlist": tuple(
            IndexPlatform(os=os, architecture=architecture) for os, architecture in pairs
        ),
    }


def test_all_images_of_an_index_must_be_here() -> None:
    """By default."""
    content, (_, arm64, plain) = incomplete_index()
    assert refused(content, OCI_INDEX) == [("MANIFEST_BLOB_UNKNOWN", arm64), ("MANIFEST_BLOB_UNKNOWN", plain)]


def test_only_the_images_of_listed_platforms_must_be_here() -> None:
    """One without a platform is of none of them; all are written down."""
    content, digests = incomplete_index()
    wanted = platforms("linux/amd64", "linux/arm64")
    assert refused(content, OCI_INDEX, **wanted) == [("MANIFEST_BLOB_UNKNOWN", digests[1])]
    put_under(REPOSITORY, content, media_type=OCI_INDEX, **platforms("linux/amd64", "windows/arm64"))
    assert ManifestReference.objects.filter(digest__in=digests).count() == 3


def test_no_image_of_an_index_need_be_here() -> None:
    """With `platforms: none`; layers of images still must."""
    config: dict[str, Any] = {"validation__manifests__indexes__platforms": "none"}
    content, _ = incomplete_index()
    put_under(REPOSITORY, content, media_type=OCI_INDEX, **config)
    assert refused(image_with(LAYER_TYPE), **config) == [("MANIFEST_BLOB_UNKNOWN", ABSENT)]


def test_without_validation_only_the_syntax_is_checked() -> None:
    """What is referred to is written down all the same."""
    put_under(REPOSITORY, image_with(FOREIGN, "ftp://x"), "v1", **OFF)
    content, digests = incomplete_index()
    put_under(REPOSITORY, content, media_type=OCI_INDEX, **OFF)
    assert ManifestReference.objects.filter(digest__in=[ABSENT, *digests]).count() == 4
    assert refused(b'{"schemaVersion": 1}', **OFF)[0][0] == "MANIFEST_INVALID"


@pytest.mark.parametrize("more", [{}, OFF])
@pytest.mark.parametrize(
    ("config_type", "class_"),
    [
        (CONFIG_TYPE, "image"),
        ("application/vnd.docker.container.image.v1+json", "image"),
        ("application/vnd.docker.plugin.v1+json", "plugin"),
        ("application/vnd.oci.empty.v1+json", ""),
    ],
)
def test_only_listed_classes_are_let_in(config_type: str, class_: str, more: dict[str, Any]) -> None:
    """By the type of the configuration; with validation off, too. Indexes are of no class, and pass."""
    config = {"mediaType": config_type, **link_blob(REPOSITORY, b"config")}
    content = changed_document(image_bytes(REPOSITORY, "one"), config=config)
    for allowed in ("image", "plugin"):
        policy = {"policy__repository__classes": (allowed,), **more}
        if allowed == class_:
            put_under(REPOSITORY, content, **policy)
        else:
            ((code, detail),) = refused(content, **policy)
            assert code == "DENIED"
            assert f"allows {allowed}" in detail
    put_under(REPOSITORY, index_bytes([]), media_type=OCI_INDEX, policy__repository__classes=("plugin",))

"""Reading manifests, good and bad, and what Accept headers say."""

import json
from typing import Any

import pytest

from registryhub.oci.errors import OciError
from registryhub.oci.manifests import Platform, parse_manifest
from registryhub.oci.media_types import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, base_type, parse_accept

DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha512:{'b' * 128}"
CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGEST, "size": 2}
LAYER = {"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": OTHER, "size": 7}


def image(media_type: str | None = OCI_MANIFEST, **more: Any) -> dict[str, Any]:
    document = {"schemaVersion": 2, "mediaType": media_type, "config": CONFIG, "layers": [LAYER], **more}
    return {name: value for name, value in document.items() if value is not None}


def index(media_type: str | None = OCI_INDEX, **more: Any) -> dict[str, Any]:
    child = {"mediaType": OCI_MANIFEST, "digest": DIGEST, "size": 9}
    child |= {"platform": {"os": "linux", "architecture": "amd64", "variant": "v2"}}
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": [child], **more}
    return {name: value for name, value in document.items() if value is not None}


def refusal(document: Any, media_type: str) -> str:
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(OciError) as caught:
        parse_manifest(content, media_type)
    assert (caught.value.code.code, caught.value.code.status) == ("MANIFEST_INVALID", 400)
    return str(caught.value.detail)


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
def test_an_image_refers_to_its_config_then_its_layers(media_type: str) -> None:
    """Digests are parsed at the door, of any supported algorithm."""
    found = parse_manifest(json.dumps(image(media_type)).encode(), media_type)
    assert [(str(item.digest), item.size) for item in found.references] == [(DIGEST, 2), (OTHER, 7)]
    assert (found.media_type, found.children, found.subject) == (media_type, (), None)


@pytest.mark.parametrize("media_type", [OCI_INDEX, DOCKER_LIST])
def test_an_index_refers_to_its_children(media_type: str) -> None:
    """A child is found by what it runs on; its variant is no part of the question."""
    found = parse_manifest(json.dumps(index(media_type)).encode(), media_type)
    assert [str(item.digest) for item in found.references] == [DIGEST]
    assert found.child_for(Platform("linux", "amd64")) == found.children[0]
    assert found.child_for(Platform("linux", "arm64")) is None


def test_oci_documents_need_not_repeat_their_type() -> None:
    """`mediaType` may be missing or empty in OCI documents; lists written as null are empty."""
    assert parse_manifest(json.dumps(image(None)).encode(), OCI_MANIFEST).layers
    assert parse_manifest(json.dumps(image("")).encode(), OCI_MANIFEST).layers
    assert parse_manifest(b'{"schemaVersion": 2, "manifests": null}', OCI_INDEX).references == ()


def test_a_subject_is_read_but_is_no_reference() -> None:
    """What an artifact is attached to need not exist."""
    found = parse_manifest(json.dumps(image(subject={**CONFIG, "digest": OTHER})).encode(), OCI_MANIFEST)
    assert found.subject is not None
    assert len(found.references) == 2


def attached(document: dict[str, Any], media_type: str = OCI_MANIFEST) -> bool:
    return parse_manifest(json.dumps(document).encode(), media_type).is_attached


@pytest.mark.parametrize(
    "more",
    [
        {"subject": {**CONFIG, "digest": OTHER}},
        {"artifactType": "application/spdx+json"},
        {"config": {**CONFIG, "mediaType": "application/vnd.cncf.notary.signature"}},
        {"layers": [{**LAYER, "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json"}]},
        {"layers": [{**LAYER, "mediaType": "application/vnd.in-toto+json"}] * 2},
    ],
)
def test_what_is_said_about_an_image_is_attached(more: dict[str, Any]) -> None:
    """By its subject, its type, or, of older signers and of builders, by its layers."""
    assert attached(image(**more))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"layers": []},
        {"layers": [LAYER, {**LAYER, "mediaType": "application/vnd.in-toto+json"}]},
        {"config": {**CONFIG, "mediaType": "application/vnd.cncf.helm.config.v1+json"}},
        {"artifactType": "application/vnd.example.model"},
    ],
)
def test_what_stands_for_itself_is_not_attached(more: dict[str, Any]) -> None:
    """Charts and models are pulled for their own sake."""
    assert not attached(image(**more))


def test_an_index_may_be_attached() -> None:
    """By its subject."""
    assert not attached(index(), OCI_INDEX)
    assert attached(index(subject={**CONFIG, "digest": OTHER}), OCI_INDEX)


@pytest.mark.parametrize(
    ("document", "media_type", "said"),
    [
        (b"", OCI_MANIFEST, "no JSON"),
        (b"{", OCI_MANIFEST, "no JSON"),
        (b"\xff", OCI_MANIFEST, "no JSON"),
        (b'"\\ud800"', OCI_MANIFEST, "no JSON"),
        (b"[" * 100_000, OCI_MANIFEST, "no JSON"),
        (b'{"a":' * 100_000, OCI_INDEX, "no JSON"),
        ([], OCI_MANIFEST, "no JSON object"),
        (image(), "text/plain", "Content-Type 'text/plain'"),
        (image(schemaVersion=1), OCI_MANIFEST, "schemaVersion: expected 2, found 1"),
        (image(schemaVersion="2"), OCI_MANIFEST, "schemaVersion"),
        (image(schemaVersion=True), OCI_MANIFEST, "schemaVersion"),
        ({}, OCI_MANIFEST, "schemaVersion"),
        (image(None), DOCKER_MANIFEST, "mediaType: missing"),
        (image(""), DOCKER_MANIFEST, "mediaType: missing"),
        (index(None), DOCKER_LIST, "mediaType: missing"),
        (image(DOCKER_MANIFEST), OCI_MANIFEST, "mediaType"),
        (image(OCI_INDEX), OCI_MANIFEST, "mediaType"),
        ({**image(), "mediaType": []}, OCI_MANIFEST, "mediaType"),
        (image(manifests=[]), OCI_MANIFEST, "manifests: has no place"),
        (index(config=CONFIG), OCI_INDEX, "config: has no place"),
        (index(layers=[]), OCI_INDEX, "layers: has no place"),
        (image(config={}), OCI_MANIFEST, "config.digest: missing"),
        ({"schemaVersion": 2}, OCI_MANIFEST, "config: expected a descriptor"),
        (image(layers={}), OCI_MANIFEST, "layers: expected a list"),
        (image(layers=[LAYER, 7]), OCI_MANIFEST, "layers[1]"),
        (image(layers=[{**LAYER, "digest": "sha256:ab"}]), OCI_MANIFEST, "layers[0].digest"),
        (image(layers=[{**LAYER, "digest": "md5:ab"}]), OCI_MANIFEST, "unsupported digest algorithm"),
        (image(layers=[{**LAYER, "digest": 7}]), OCI_MANIFEST, "layers[0].digest"),
        (image(layers=[{**LAYER, "size": -1}]), OCI_MANIFEST, "layers[0].size"),
        (image(layers=[{**LAYER, "size": 10**30}]), OCI_MANIFEST, "layers[0].size"),
        (image(layers=[{**LAYER, "size": True}]), OCI_MANIFEST, "layers[0].size"),
        (image(layers=[{**LAYER, "mediaType": "a\x00b"}]), OCI_MANIFEST, "layers[0].mediaType"),
        (image(layers=[{**LAYER, "mediaType": "x" * 256}]), OCI_MANIFEST, "layers[0].mediaType"),
        (image(layers=[{**LAYER, "urls": "https://x"}]), OCI_MANIFEST, "layers[0].urls"),
        (image(layers=[{**LAYER, "urls": [1]}]), OCI_MANIFEST, "layers[0].urls"),
        (index(manifests=[{**CONFIG, "platform": []}]), OCI_INDEX, "manifests[0].platform"),
        (image(subject=[]), OCI_MANIFEST, "subject"),
    ],
)
def test_a_bad_manifest_is_refused_with_the_field_and_the_reason(document: Any, media_type: str, said: str) -> None:
    """Whatever is wrong, the answer is MANIFEST_INVALID and names it."""
    assert said in refusal(document, media_type)


def test_a_refusal_does_not_repeat_a_huge_value() -> None:
    """What is quoted is cut."""
    assert len(refusal(image(schemaVersion="x" * 1_000_000), OCI_MANIFEST)) < 200


@pytest.mark.parametrize(
    ("header", "allows"),
    [
        ("*/*", True),
        ("text/html, application/*;q=0.1", True),
        ("text/html", False),
        ("text/*", False),
        (OCI_INDEX, False),
        (OCI_MANIFEST, True),
        (f"text/html,{OCI_MANIFEST.upper()} ; q=0.5", True),
        (f"{OCI_INDEX}, */*;q=0.1, garbage", True),
        (f"{OCI_MANIFEST};q=0", False),
        (f"{OCI_MANIFEST};q=0, */*", False),
        (f"{OCI_MANIFEST} ; Q=0.000 ; x=1, application/*", False),
        (f"{OCI_MANIFEST};q=0.001", True),
        (f"{OCI_MANIFEST};q=nonsense", True),
        (f"{OCI_MANIFEST};q=0, {OCI_MANIFEST}", True),
        ("application/*;q=0, */*", False),
        ("application/*, */*;q=0", True),
        ("*/*;q=0", False),
        ('text/html;x="a,b"', False),
    ],
)
def test_accept_tells_what_a_client_reads(header: str, allows: bool) -> None:
    """The most exact item decides; a weight of 0 says no, any other yes."""
    accept = parse_accept(header)
    assert (accept.is_absent, accept.allows(OCI_MANIFEST)) == (False, allows)


@pytest.mark.parametrize("header", [None, "", " , ;q=1", "garbage", "a/b/c, /, x/", "é/*"])
def test_who_says_nothing_that_can_be_read_takes_everything(header: str | None) -> None:
    """Items that cannot be read are skipped, and then it is as if there were no Accept."""
    accept = parse_accept(header)
    assert (accept.is_absent, accept.allows(OCI_MANIFEST)) == (True, True)


def test_the_base_of_a_media_type_has_no_parameters() -> None:
    """As in Content-Type."""
    assert base_type("Application/JSON; charset=utf-8") == "application/json"

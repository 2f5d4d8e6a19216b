"""What is attached to a manifest: by its subject, under the tag of old clients, by type, page by page."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from registryhub.oci.digests import digest_of, parse_digest
from registryhub.oci.media_types import DOCKER_LIST, OCI_INDEX, OCI_MANIFEST
from registryhub.registry import manifests, referrers
from registryhub.registry.models import Manifest
from registryhub.registry.referrers import fallback_tag, list_referrers
from tests.registry.stage import (
    CONFIG_TYPE,
    CONTEXT,
    changed_document,
    counted_queries,
    image_bytes,
    index_bytes,
    put,
)

pytestmark = pytest.mark.django_db(transaction=True)

REPOSITORY = "team/app"
SUBJECT = digest_of(b"an image")
SBOM = "application/spdx+json"


def attached(text: str, subject: Any = SUBJECT, **fields: Any) -> bytes:
    """A manifest that says what it is attached to."""
    descriptor = {"mediaType": OCI_MANIFEST, "digest": str(subject), "size": 8}
    return changed_document(image_bytes(REPOSITORY, text, layers=0), subject=descriptor, **fields)


def listed(**asked: Any) -> list[dict[str, Any]]:
    """The descriptors of one page."""
    values = {"artifact_type": "", "after": "", "limit": 100, **asked}
    subject = values.pop("subject", SUBJECT)
    return [orjson.loads(each) for each in list_referrers(REPOSITORY, subject, **values).descriptors]


def digests(**asked: Any) -> list[str]:
    return [descriptor["digest"] for descriptor in listed(**asked)]


def test_who_says_so_is_attached() -> None:
    """With size, type, artifact type and annotations; the subject need not be there. In the order of digests."""
    contents = [
        attached("one", artifactType=SBOM, annotations={"made": "today"}),
        attached("two"),
    ]
    for content in contents:
        put(REPOSITORY, content)
    put(REPOSITORY, attached("other", digest_of(b"another image")))
    put("team/other", changed_document(image_bytes("team/other", "x"), subject={"digest": str(SUBJECT)}))
    expected = [
        {"mediaType": OCI_MANIFEST, "digest": str(digest_of(content)), "size": len(content), "artifactType": type_}
        for content, type_ in zip(contents, (SBOM, CONFIG_TYPE), strict=True)
    ]
    expected[0]["annotations"] = {"made": "today"}
    assert listed() == sorted(expected, key=lambda each: str(each["digest"]))


def test_an_index_without_a_type_has_none() -> None:
    """It has no configuration whose type it could bear."""
    content = changed_document(index_bytes([]), subject={"digest": str(SUBJECT)})
    digest = put(REPOSITORY, content, media_type=OCI_INDEX)
    assert listed() == [{"mediaType": OCI_INDEX, "digest": digest, "size": len(content)}]


def test_subjects_of_any_algorithm() -> None:
    """And manifests that are known by another one."""
    subject = digest_of(b"an image", "sha512")
    digest = put(REPOSITORY, attached("one", subject))
    assert digests(subject=subject) == [digest]
    assert digests(subject=parse_digest(f"sha512:{'a' * 128}")) == []


def test_one_type_alone() -> None:
    """Its own, else that of its configuration."""
    sbom, plain = put(REPOSITORY, attached("one", artifactType=SBOM)), put(REPOSITORY, attached("two"))
    assert digests(artifact_type=SBOM) == [sbom]
    assert digests(artifact_type=CONFIG_TYPE) == [plain]
    assert digests(artifact_type="text/none") == []


def test_what_is_deleted_is_attached_no_more() -> None:
    """And what was never there is attached to nothing."""
    digest = put(REPOSITORY, attached("one"))
    manifests.delete(CONTEXT, REPOSITORY, digest)
    assert digests() == []


def put_fallback(children: Sequence[bytes], media_type: str = OCI_INDEX) -> str:
    """What a client does that takes us for a registry without the listing."""
    for child in children:
        put(REPOSITORY, child)
    return put(
        REPOSITORY, index_bytes(children, media_type=media_type), tag=fallback_tag(SUBJECT), media_type=media_type
    )


def test_what_old_clients_keep_under_a_tag_is_attached_too() -> None:
    """By what it says itself, each once; what says that it is attached to something else is not."""
    silent = image_bytes(REPOSITORY, "silent")
    speaking = attached("speaking", artifactType=SBOM)
    put_fallback([silent, speaking, attached("of another", digest_of(b"another image"))])
    assert digests() == sorted(str(digest_of(content)) for content in (silent, speaking))
    assert digests(artifact_type=CONFIG_TYPE) == [str(digest_of(silent))]
    assert digests(artifact_type=SBOM) == [str(digest_of(speaking))]


def test_what_is_deleted_is_not_in_the_old_index_either() -> None:
    """It still has the digest."""
    one, two = (image_bytes(REPOSITORY, text) for text in ("one", "two"))
    put_fallback([one, two])
    manifests.delete(CONTEXT, REPOSITORY, str(digest_of(one)))
    assert digests() == [str(digest_of(two))]


def test_the_tag_of_old_clients_may_be_anything_else() -> None:
    """Only an OCI index under it lists what is attached."""
    put(REPOSITORY, image_bytes(REPOSITORY, "an image"), tag=fallback_tag(SUBJECT))
    assert digests() == []
    put_fallback([image_bytes(REPOSITORY, "one")], DOCKER_LIST)
    assert digests() == []


@pytest.mark.parametrize(
    ("digest", "tag"),
    [
        (f"sha256:{'a' * 64}", f"sha256-{'a' * 64}"),
        (f"sha512:{'b' * 128}", f"sha512-{'b' * 64}"),
    ],
)
def test_the_tag_is_the_digest_cut_to_what_fits(digest: str, tag: str) -> None:
    """As the spec's referrers tag schema says."""
    assert fallback_tag(parse_digest(digest)) == tag


def walk(limit: int, **asked: Any) -> list[list[str]]:
    """All pages, each as its digests."""
    pages, after = [], ""
    while True:
        page = list_referrers(REPOSITORY, SUBJECT, artifact_type="", after=after, limit=limit)
        pages.append([orjson.loads(each)["digest"] for each in page.descriptors])
        if not page.last:
            return pages
        assert page.last == pages[-1][-1]
        after = page.last


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
def test_pages_hold_everything_once(limit: int) -> None:
    """Of both kinds, in one order, and no page follows that is empty."""
    for number in range(3):
        put(REPOSITORY, attached(f"attached {number}"))
    put_fallback([image_bytes(REPOSITORY, "silent one"), image_bytes(REPOSITORY, "silent two")])
    pages = walk(limit)
    assert [digest for page in pages for digest in page] == sorted(digests())
    assert [len(page) for page in pages] == [limit] * (5 // limit) + ([5 % limit] if 5 % limit else [])


def test_a_page_of_nothing_is_the_end() -> None:
    """Whoever asks for none gets none."""
    put(REPOSITORY, attached("one"))
    assert walk(0) == [[]]


def test_a_page_ends_before_clients_would_not_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """All come, on as many pages as it takes; annotations too large for any are left out."""
    monkeypatch.setattr(referrers, "MAX_BYTES", 2_500)
    texts = [300, 900, 900, 900, 900, 3_000]
    for number, length in enumerate(texts):
        put(REPOSITORY, attached(f"number {number}", annotations={"text": "é" * (length // 2)}))
    pages = walk(100)
    assert len(pages) >= 3
    everything = sorted(Manifest.objects.values_list("digest", flat=True))
    assert [digest for page in pages for digest in page] == everything
    large = Manifest.objects.order_by("size").last()
    assert large is not None
    (alone,) = listed(limit=1, after=f"{large.digest[:-1]}")
    assert (alone["digest"], alone.get("annotations")) == (large.digest, None)


def test_a_page_is_one_prepared_query(monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without something on it."""
    put(REPOSITORY, attached("one"))
    with counted_queries(monkeypatch) as asked:
        assert len(digests()) == 1
        assert digests(subject=digest_of(b"nothing")) == []
    assert asked == ["referrers_page"] * 2

"""Manifests: what is stored together, what is refused, what is found, and what happens when several come at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from registryhub.access.models import Repository
from registryhub.oci.digests import digest_of
from registryhub.oci.errors import OciError
from registryhub.oci.manifests import Platform, parse_manifest
from registryhub.oci.media_types import DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from registryhub.registry import manifests, tags
from registryhub.registry.models import BlobLink, Manifest, Tag
from registryhub.registry.payloads import Payload, Payloads
from tests.registry.stage import CONTEXT, dump, image_bytes, index_bytes, put, put_under, stored_events

pytestmark = pytest.mark.django_db(transaction=True)

UNKNOWN = f"sha256:{'f' * 64}"


def refusal(call: Callable[[], Any]) -> OciError:
    with pytest.raises(OciError) as caught:
        call()
    return caught.value


def test_a_pushed_manifest_is_found_by_tag_and_by_digest() -> None:
    """The bytes come back as they were."""
    content = image_bytes("team/app", "one")
    digest = put("team/app", content, tag="v1")
    assert digest == str(digest_of(content))
    for found in (manifests.find("team/app", tag="v1"), manifests.find("team/app", digest=digest)):
        assert (found.digest, found.media_type, found.content) == (digest, OCI_MANIFEST, content)


@pytest.mark.parametrize(
    ("media_type", "make"),
    [
        (DOCKER_MANIFEST, lambda: image_bytes("team/app", "one", media_type=DOCKER_MANIFEST)),
        (OCI_INDEX, lambda: index_bytes([])),
        (DOCKER_LIST, lambda: index_bytes([], media_type=DOCKER_LIST)),
    ],
)
def test_all_kinds_of_manifests_are_kept(media_type: str, make: Callable[[], bytes]) -> None:
    """Each under its own type."""
    put("team/app", make(), tag="v1", media_type=media_type)
    assert manifests.find("team/app", tag="v1").media_type == media_type


def test_a_push_commits_the_manifest_the_tag_and_the_event_together() -> None:
    """One event, and it names the tag."""
    content = image_bytes("team/app", "one")
    digest = put("team/app", content, tag="v1")
    (event,) = stored_events()
    assert (event.action, event.repository, event.tag, event.digest) == ("push", "team/app", "v1", digest)
    assert (event.media_type, event.size, event.method) == (OCI_MANIFEST, len(content), "PUT")
    row = Tag.objects.get()
    assert (row.digest, row.media_type, row.size, row.manifest.digest) == (digest, OCI_MANIFEST, len(content), digest)


def test_an_event_that_cannot_be_kept_undoes_the_push(monkeypatch: pytest.MonkeyPatch) -> None:
    """No change without an event."""
    content = image_bytes("team/app", "one")

    def fail(**_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr("registryhub.registry.announce.intake.store", fail)
    with pytest.raises(RuntimeError):
        put("team/app", content, tag="v1")
    assert not Manifest.objects.exists()
    assert not Tag.objects.exists()


def test_the_same_push_again_changes_nothing_and_is_told_again() -> None:
    """As the reference does: each push is an event."""
    content = image_bytes("team/app", "one")
    assert put("team/app", content, tag="v1") == put("team/app", content, tag="v1")
    assert (Manifest.objects.count(), Tag.objects.count()) == (1, 1)
    assert [event.action for event in stored_events()] == ["push", "push"]


def test_a_tag_moves_and_what_it_left_stays() -> None:
    """The old manifest is still there by its digest."""
    first = put("team/app", image_bytes("team/app", "one"), tag="v1")
    created_at = Tag.objects.get().created_at
    second = put("team/app", image_bytes("team/app", "two"), tag="v1")
    assert manifests.find("team/app", tag="v1").digest == second
    assert manifests.find("team/app", digest=first).digest == first
    assert (Tag.objects.get().created_at, Tag.objects.get().manifest.digest) == (created_at, second)


def test_whatever_is_missing_is_named_one_by_one_and_nothing_is_stored() -> None:
    """Config and layers in their order; a blob of another repository does not count; no repository comes of it."""
    content = image_bytes("team/other", "one", layers=2)
    error = refusal(lambda: put("team/app", content, tag="v1"))
    entries = error.document()["errors"]
    assert {entry["code"] for entry in entries} == {"MANIFEST_BLOB_UNKNOWN"}
    parsed = parse_manifest(content, OCI_MANIFEST)
    assert [entry["detail"] for entry in entries] == [str(item.digest) for item in parsed.references]
    assert not Manifest.objects.exists()
    assert not Repository.objects.filter(name="team/app").exists()
    assert stored_events() == []


def test_only_what_is_missing_is_named() -> None:
    """The same blob twice is one entry."""
    content = image_bytes("team/app", "one", layers=3)
    layer = parse_manifest(content, OCI_MANIFEST).layers[1].digest
    BlobLink.objects.filter(blob__digest=str(layer)).delete()
    error = refusal(lambda: put("team/app", content))
    assert [entry["detail"] for entry in error.document()["errors"]] == [str(layer)]


def test_children_of_an_index_must_be_manifests_of_the_repository() -> None:
    """A blob of that digest is not enough."""
    child = image_bytes("team/app", "one")
    error = refusal(lambda: put("team/app", index_bytes([child]), media_type=OCI_INDEX))
    assert error.document()["errors"][0]["detail"] == str(digest_of(child))
    put("team/app", child)
    put("team/app", index_bytes([child]), media_type=OCI_INDEX, tag="all")
    assert manifests.find_child(
        "team/app", manifests.find("team/app", tag="all"), Platform("linux", "amd64")
    ).digest == str(digest_of(child))


def test_thousands_of_layers_are_looked_up_at_once() -> None:
    """More than either database takes as parameters of one statement."""
    layer = {"mediaType": "application/x", "size": 1}
    layers = [{**layer, "digest": f"sha256:{number:064x}"} for number in range(40_000)]
    content = dump({"schemaVersion": 2, "config": {**layer, "digest": UNKNOWN}, "layers": layers})
    error = refusal(lambda: put("team/app", content))
    assert len(error.document()["errors"]) == 40_001


def test_a_push_by_digest_must_have_that_digest() -> None:
    """Of any supported algorithm; the manifest is then known by it."""
    content = image_bytes("team/app", "one")

    def put_as(digest: str) -> str:
        return put_under("team/app", content, digest=digest)

    assert refusal(lambda: put_as(UNKNOWN)).code.code == "DIGEST_INVALID"
    long = str(digest_of(content, "sha512"))
    assert put_as(long) == long
    assert manifests.find("team/app", digest=long).content == content
    assert refusal(lambda: manifests.find("team/app", digest=str(digest_of(content)))).code.status == 404


def test_nothing_is_read_across_repositories() -> None:
    """A manifest in memory for one repository is unknown in another, and unknown as soon as it is deleted."""
    digest = put("team/app", image_bytes("team/app", "one"), tag="v1")
    manifests.find("team/app", digest=digest)
    for call in (
        lambda: manifests.find("team/other", digest=digest),
        lambda: manifests.find("team/other", tag="v1"),
        lambda: manifests.find("team/app", tag="v2"),
        lambda: manifests.find("team/app", digest=UNKNOWN),
    ):
        assert refusal(call).code.code == "MANIFEST_UNKNOWN"
    manifests.delete(CONTEXT, "team/app", digest)
    assert refusal(lambda: manifests.find("team/app", digest=digest)).code.code == "MANIFEST_UNKNOWN"
    assert refusal(lambda: manifests.find("team/app", tag="v1")).code.code == "MANIFEST_UNKNOWN"


def test_deleting_a_manifest_takes_its_tags_along_and_tells_of_each() -> None:
    """First the manifest, then its tags by name; other tags stay."""
    digest = put("team/app", image_bytes("team/app", "one"), tag="b")
    put("team/app", image_bytes("team/app", "one"), tag="a")
    put("team/app", image_bytes("team/app", "two"), tag="other")
    before = len(stored_events())
    manifests.delete(CONTEXT, "team/app", digest)
    told = [(event.action, event.digest, event.tag) for event in stored_events()[before:]]
    assert told == [("delete", digest, ""), ("delete", "", "a"), ("delete", "", "b")]
    assert list(Tag.objects.values_list("name", flat=True)) == ["other"]
    assert refusal(lambda: manifests.delete(CONTEXT, "team/app", digest)).code.code == "MANIFEST_UNKNOWN"
    assert len(stored_events()) == before + 3


def test_a_deleted_manifest_can_be_pushed_again() -> None:
    """Nothing of the old one is in the way."""
    content = image_bytes("team/app", "one")
    manifests.delete(CONTEXT, "team/app", put("team/app", content, tag="v1"))
    assert manifests.find("team/app", digest=put("team/app", content)).content == content


def at_once(*calls: Callable[[], Any]) -> list[BaseException | None]:
    """Run all at the same moment; what each raised."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> BaseException | None:
        try:
            barrier.wait()
            call()
        except Exception as error:
            return error
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def test_several_pushes_of_one_tag_end_with_one_of_them() -> None:
    """Tag and manifest agree, and the last event tells where the tag stands."""
    contents = [image_bytes("team/app", f"text {number}") for number in range(8)]
    assert at_once(*[lambda content=content: put("team/app", content, tag="v1") for content in contents]) == [None] * 8
    tag = Tag.objects.get()
    assert tag.digest == tag.manifest.digest == stored_events()[-1].digest
    assert Manifest.objects.count() == len(stored_events()) == 8


def test_several_pushes_of_one_manifest_make_one_row() -> None:
    """Into a new repository, under several tags."""
    image_bytes("team/app", "one")
    content = image_bytes("team/app", "one")
    calls = [lambda number=number: put("team/app", content, tag=f"v{number % 3}") for number in range(8)]
    assert at_once(*calls) == [None] * 8
    assert (Manifest.objects.count(), Tag.objects.count(), len(stored_events())) == (1, 3, 8)


def test_pushes_and_deletes_at_once_leave_no_tag_without_its_manifest() -> None:
    """Each push and delete that succeeded has its event; a delete may come too late or too early."""
    contents = [image_bytes("team/app", f"text {number}") for number in range(4)]
    digests = [put("team/app", content, tag="v1") for content in contents]
    index = index_bytes(contents)
    before = len(stored_events())
    pushes = [
        *[lambda content=content: put("team/app", content, tag="v1") for content in contents],
        lambda: put("team/app", index, tag="all", media_type=OCI_INDEX),
    ]
    deletes = [
        *[lambda digest=digest: manifests.delete(CONTEXT, "team/app", digest) for digest in digests],
        lambda: tags.delete(CONTEXT, "team/app", "v1"),
    ]
    outcome = at_once(*pushes, *deletes)
    assert all(error is None or isinstance(error, OciError) for error in outcome)
    for tag in Tag.objects.select_related("manifest"):
        assert tag.digest == tag.manifest.digest
    told = [event.action for event in stored_events()[before:] if event.digest or event.action == "push"]
    assert told.count("push") == outcome[: len(pushes)].count(None)
    assert told.count("delete") == outcome[len(pushes) : -1].count(None)


def test_memory_holds_no_more_than_its_capacity() -> None:
    """The least recently used go first; what is huge is not kept at all."""
    payload = Payload("sha256:x", OCI_MANIFEST, b"x" * 1000, None)  # type: ignore[arg-type]
    held = Payloads(capacity=32_000)
    for number in range(20):
        held.keep(f"team/{number}", payload)
        held.find("team/0", "sha256:x")
    kept = [number for number in range(20) if held.find(f"team/{number}", "sha256:x")]
    assert kept[0] == 0
    assert kept[1:] == list(range(20 - len(kept) + 1, 20))
    assert len(kept) * 3048 <= 32_000
    held.keep("huge", Payload("sha256:y", OCI_MANIFEST, b"x" * 5000, None))  # type: ignore[arg-type]
    assert held.find("huge", "sha256:y") is None

from pathlib import Path

import pytest

from registryhub.oci.digests import Digest, digest_of, parse_digest
from registryhub.oci.media_types import OCI_INDEX
from registryhub.registry import announce, blobs, manifests, tags
from registryhub.registry.announce import RequestContext
from registryhub.registry.models import Blob, BlobLink, Manifest, Tag
from registryhub.registry.tree.disk import Tree
from registryhub.storage.filesystem import FilesystemDriver
from tests.registry.stage import CONTEXT, image_bytes, index_bytes, link_blob, put, put_under
from tests.registry.tree.trees import (
    BLOBS,
    REPOSITORIES,
    current,
    data,
    digest_text,
    files,
    follow,
    indexed,
    layer,
    revision,
)

pytestmark = pytest.mark.django_db(transaction=True)


def push_layer(repository: str, content: bytes) -> str:
    """As a finished upload does it, but for the bytes; the digest."""
    link_blob(repository, content)
    announce.blob_pushed(CONTEXT, repository, digest_text(content), len(content))
    return digest_text(content)


def test_an_image_is_written_as_the_reference_does(root: Path, driver: FilesystemDriver) -> None:
    """Every link holds its digest and nothing else; the manifest's bytes stand among the blobs, with a row."""
    content = image_bytes("team/app", "one")
    digest = put("team/app", content, tag="1")
    follow(driver)
    parts = [digest_text(part) for part in (b"config one", b"layer 0 one", b"layer 1 one")]
    assert files(root, below=REPOSITORIES) == {
        **{layer("team/app", part): part.encode() for part in parts},
        revision("team/app", digest): digest.encode(),
        current("team/app", "1"): digest.encode(),
        indexed("team/app", "1", digest): digest.encode(),
    }
    assert files(root, below=BLOBS) == {data(digest): content}
    assert Blob.objects.get(digest=digest).size == len(content)


def test_a_tag_that_moves_keeps_its_past(root: Path, driver: FilesystemDriver) -> None:
    """In its index, also when both pushes are looked at together."""
    first, second = (put("app", image_bytes("app", text), tag="1") for text in ("one", "two"))
    follow(driver)
    third = put("app", image_bytes("app", "three"), tag="1")
    follow(driver)
    found = files(root, below=REPOSITORIES)
    assert found[current("app", "1")] == third.encode()
    assert all(indexed("app", "1", digest) in found for digest in (first, second, third))


def test_a_deleted_tag_goes_with_its_past(root: Path, driver: FilesystemDriver) -> None:
    """The manifest stays; a tag of the same name that is made afterwards has no past, however it all was batched."""
    first = put("app", image_bytes("app", "one"), tag="1")
    follow(driver)
    tags.delete(CONTEXT, "app", "1")
    follow(driver)
    found = files(root, below=REPOSITORIES)
    assert current("app", "1") not in found
    assert revision("app", first) in found
    put("app", image_bytes("app", "one"), tag="1")
    tags.delete(CONTEXT, "app", "1")
    second = put("app", image_bytes("app", "two"), tag="1")
    follow(driver)
    found = files(root, below=REPOSITORIES)
    assert {name for name in found if "/tags/" in name} == {current("app", "1"), indexed("app", "1", second)}


def test_a_deleted_manifest_goes_with_its_tags_and_out_of_the_past_of_others(
    root: Path, driver: FilesystemDriver
) -> None:
    """Its bytes stay until they are collected."""
    first = put("app", image_bytes("app", "one"), tag="1")
    put("app", image_bytes("app", "one"), tag="2")
    second = put("app", image_bytes("app", "two"), tag="2")
    follow(driver)
    manifests.delete(CONTEXT, "app", first)
    follow(driver)
    found = files(root, below=REPOSITORIES)
    assert [name for name in found if first.removeprefix("sha256:") in name] == []
    assert {name for name in found if "/tags/" in name} == {current("app", "2"), indexed("app", "2", second)}
    assert data(first) in files(root, below=BLOBS)


def test_layers_come_and_go(root: Path, driver: FilesystemDriver) -> None:
    """By a push, a mount and a delete; what is pushed again before anybody looked is there."""
    kept, gone, again = (push_layer("app", content) for content in (b"kept", b"gone", b"again"))
    driver.write(f"{BLOBS}/{data(kept)}", b"kept")
    assert blobs.mount_blob(driver, CONTEXT, "other", parse_digest(kept), "app")
    follow(driver)
    assert set(files(root, below=REPOSITORIES)) == {layer("app", each) for each in (kept, gone, again)} | {
        layer("other", kept)
    }
    for digest in (gone, again):
        blobs.unlink_blob(CONTEXT, "app", parse_digest(digest))
    push_layer("app", b"again")
    follow(driver)
    assert set(files(root, below=REPOSITORIES)) == {layer("app", kept), layer("app", again), layer("other", kept)}


def test_layers_that_were_there_before_are_written_with_the_manifest(root: Path, driver: FilesystemDriver) -> None:
    """Their own events may be older than the log."""
    put("app", image_bytes("app", "one"))
    follow(driver)
    assert layer("app", digest_text(b"layer 0 one")) in files(root, below=REPOSITORIES)


def test_an_index_refers_to_manifests_and_they_are_no_layers(root: Path, driver: FilesystemDriver) -> None:
    """They have links of their own."""
    children = [image_bytes("app", text) for text in ("amd64", "arm64")]
    pushed = [put("app", child) for child in children]
    pushed.append(put("app", index_bytes(children), tag="1", media_type=OCI_INDEX))
    follow(driver)
    found = files(root, below=REPOSITORIES)
    assert all(revision("app", digest) in found for digest in pushed)
    assert not any(layer("app", digest) in found for digest in pushed)


def test_a_deleted_repository_goes_but_for_its_uploads_and_those_below_it(root: Path, driver: FilesystemDriver) -> None:
    """A delete event with nothing but a name."""
    put("team", image_bytes("team", "one"), tag="1")
    put("team/app", image_bytes("team/app", "two"), tag="1")
    driver.write(f"{REPOSITORIES}/team/_uploads/id/data", b"half")
    follow(driver)
    for model in (Tag, Manifest, BlobLink):
        model.objects.filter(repository__name="team").delete()
    announce_emptied("team")
    follow(driver)
    assert {name.partition("/_")[0] for name in files(root, below=REPOSITORIES)} == {"team/app"}
    assert (root / REPOSITORIES / "team" / "_uploads" / "id" / "data").exists()


def announce_emptied(repository: str, context: RequestContext = CONTEXT) -> None:
    """A delete event that names the repository only."""
    announce._store(announce._event(context, "delete", repository))


def test_events_after_the_rows_have_changed_again_do_no_harm(root: Path, driver: FilesystemDriver) -> None:
    """The rows are the truth: what was pushed and deleted meanwhile never appears."""
    digest = put("app", image_bytes("app", "one"), tag="1")
    manifests.delete(CONTEXT, "app", digest)
    follow(driver)
    assert not [name for name in files(root, below=REPOSITORIES) if "_manifests" in name]
    assert files(root, below=BLOBS) == {}


def test_a_manifest_of_sha512_stands_under_its_own_name(root: Path, driver: FilesystemDriver) -> None:
    """Its links and its bytes."""
    content = image_bytes("app", "one")
    digest = put_under("app", content, digest=str(digest_of(content, "sha512")))
    follow(driver)
    assert revision("app", digest) in files(root, below=REPOSITORIES)
    assert files(root, below=BLOBS) == {data(digest): content}


def test_a_link_that_a_collection_takes_while_it_is_written_is_taken_back(
    root: Path, driver: FilesystemDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No event tells of it: the rows are asked again when the file is there."""
    kept, gone = push_layer("app", b"kept"), push_layer("app", b"gone")
    write = Tree.write_layer

    def collect_and_write(self: Tree, repository: str, digest: Digest) -> bool:
        BlobLink.objects.filter(blob__digest=gone).delete()
        return write(self, repository, digest)

    monkeypatch.setattr(Tree, "write_layer", collect_and_write)
    follow(driver)
    assert files(root, below=REPOSITORIES) == {layer("app", kept): kept.encode()}

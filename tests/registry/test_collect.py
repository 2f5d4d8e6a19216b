"""What a collection removes, and what it leaves alone (reference E.5, and its quirks in L)."""

from pathlib import Path

import pytest

from registryhub.oci.digests import digest_of
from registryhub.registry import blobs, manifests, tags
from registryhub.registry.collect import untagged
from registryhub.registry.collect.listen import Listener
from registryhub.registry.models import Blob, Manifest, Upload
from registryhub.registry.room import Store
from registryhub.storage import paths
from registryhub.storage.base import PathNotFound
from tests.registry.collecting import (
    assert_consistent,
    assert_nothing_unreferenced,
    blobs_of,
    collect,
    counts,
    grow_old,
    is_whole,
    on_disk,
    push_blob,
    push_image,
    push_index,
)
from tests.registry.stage import CONTEXT, stored_events
from tests.registry.stores import KINDS, store_in, stored

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return store_in(tmp_path, request.param)


class Told(Listener):
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def manifest(self, repository: str, digest: str) -> None:
        self.lines.append(f"manifest {repository} {digest}")

    def link(self, repository: str, digest: str) -> None:
        self.lines.append(f"link {repository} {digest}")

    def blob(self, digest: str) -> None:
        self.lines.append(f"blob {digest}")

    def file(self, digest: str) -> None:
        self.lines.append(f"file {digest}")


def test_a_blob_that_no_manifest_needs_goes_with_its_bytes(store: Store) -> None:
    """Those of an image stay, and what it freed is counted."""
    push_image(store, "app", "kept", "v1")
    garbage = push_blob(store, "app", b"x" * 1000)
    grow_old()
    collection = collect(store)
    assert counts(collection) == (0, 1, 1)
    assert collection.freed_bytes == 1000
    assert collection.state == "finished"
    assert stored(store, garbage) is None
    assert not Blob.objects.filter(digest=str(garbage)).exists()
    assert is_whole(store, "kept", "app")
    assert_nothing_unreferenced(store)


def test_what_was_used_within_the_grace_period_waits(store: Store) -> None:
    """A push in progress has blobs without a manifest."""
    push_blob(store, "app", b"on its way")
    collection = collect(store)
    assert counts(collection) == (0, 0, 0)
    assert collection.waiting == 1
    assert counts(collect(store, grace=0.0)) == (0, 1, 1)


def test_a_blob_stays_as_long_as_one_repository_needs_it(store: Store) -> None:
    """It goes from the one that does not."""
    push_image(store, "first", "shared", "v1")
    for digest in blobs_of("shared"):
        assert blobs.mount_blob(store.driver, CONTEXT, "second", digest, "first")
    grow_old()
    assert counts(collect(store)) == (0, 2, 0)
    assert is_whole(store, "shared", "first")
    assert not is_whole(store, "shared", "second")


def test_the_link_in_the_disk_tree_goes_with_the_link(store: Store) -> None:
    """So that a registry which takes the tree over sees no layer that is not there."""
    garbage = push_blob(store, "app", b"garbage")
    folder = paths.layer_folder("app", garbage.algorithm, garbage.hex)
    store.driver.write(paths.link(folder), str(garbage).encode())
    collect(store, grace=0.0)
    with pytest.raises(PathNotFound):
        store.driver.size(paths.link(folder))


def test_a_deleted_manifest_leaves_its_blobs_their_grace_period(store: Store) -> None:
    """Whoever pushes the same layers a moment later finds them."""
    digest = push_image(store, "app", "gone", "v1")
    push_image(store, "app", "kept", "v2")
    grow_old()
    manifests.delete(CONTEXT, "app", digest)
    assert counts(collect(store)) == (0, 0, 0)
    grow_old()
    assert counts(collect(store)) == (0, 2, 2)
    assert is_whole(store, "kept", "app")


def test_a_manifest_is_bytes_that_stay_while_it_is_there(store: Store) -> None:
    """Its copy in the blob tree has a row, and nobody links it."""
    digest = push_image(store, "app", "kept", "v1")
    content = bytes(Manifest.objects.get().payload)
    algorithm, _, hex_ = digest.partition(":")
    store.driver.write(paths.blob_data(algorithm, hex_), content)
    Blob.objects.create(digest=digest, size=len(content))
    grow_old()
    assert counts(collect(store, grace=0.0)) == (0, 0, 0)
    manifests.delete(CONTEXT, "app", digest)
    assert counts(collect(store, grace=0.0)) == (0, 2, 3)
    assert on_disk(store) == set()


def test_untagged_manifests_stay_unless_asked_otherwise(store: Store) -> None:
    """As in the reference; asked for, they go with an event each, and with grace 0 their blobs too."""
    push_image(store, "app", "old", "latest")
    push_image(store, "app", "new", "latest")
    grow_old()
    assert counts(collect(store)) == (0, 0, 0)
    assert counts(collect(store, untagged=True, grace=0.0)) == (1, 2, 2)
    assert is_whole(store, "new", "app")
    event = stored_events()[-1]
    assert (event.action, event.repository, event.actor) == ("delete", "app", "registryhub-collector")
    assert event.user_agent.startswith("registryhub-collector/")
    assert_nothing_unreferenced(store)


def test_a_manifest_that_lost_its_tag_just_now_waits(store: Store) -> None:
    """Its age counts from then."""
    push_image(store, "app", "old", "latest")
    grow_old()
    push_image(store, "app", "new", "latest")
    collection = collect(store, untagged=True)
    assert counts(collection) == (0, 0, 0)
    assert collection.waiting == 1


def test_a_repository_used_by_digest_only_is_never_stranded(store: Store) -> None:
    """Nothing in it has a tag: the reference deletes its blobs."""
    push_image(store, "by/digest", "pinned")
    push_image(store, "other", "tagged", "v1")
    assert counts(collect(store, untagged=True, grace=0.0)) == (0, 0, 0)
    assert is_whole(store, "pinned", "by/digest")


def test_children_stay_with_their_index_and_go_with_it(store: Store) -> None:
    """Also when somebody pushed them anew after the index."""
    push_image(store, "app", "tagged", "v1")
    children = [push_image(store, "app", text) for text in ("amd64", "arm64")]
    push_index("app", children, "multi")
    assert counts(collect(store, untagged=True, grace=0.0)) == (0, 0, 0)
    tags.delete(CONTEXT, "app", "multi")
    assert counts(collect(store, untagged=True, grace=0.0)) == (3, 4, 4)
    assert is_whole(store, "tagged", "app")
    assert_nothing_unreferenced(store)


def test_children_of_an_index_that_just_went_wait_their_time(store: Store) -> None:
    """They lost it only now."""
    push_image(store, "app", "tagged", "v1")
    push_index("app", [push_image(store, "app", "child")])
    grow_old()
    assert counts(collect(store, untagged=True)) == (1, 0, 0)
    grow_old()
    assert counts(collect(store, untagged=True)) == (1, 0, 0)


def test_a_signature_stays_with_what_it_signs_and_goes_with_it(store: Store) -> None:
    """The reference deletes it at once; one whose subject never came has nothing to stay for."""
    image = push_image(store, "app", "image", "v1")
    push_image(store, "app", "tagged", "v2")
    signature = push_image(store, "app", "signature", subject=image)
    push_image(store, "app", "signature of the signature", subject=signature)
    assert counts(collect(store, untagged=True, grace=0.0)) == (0, 0, 0)
    tags.delete(CONTEXT, "app", "v1")
    assert counts(collect(store, untagged=True, grace=0.0)) == (3, 6, 6)
    push_image(store, "app", "stray", subject=str(digest_of(b"never pushed")))
    assert counts(collect(store, untagged=True, grace=0.0)) == (1, 2, 2)


def test_what_a_service_runs_stays(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And when nobody can say what runs, everything does, and is reported."""
    running = push_image(store, "app", "running")
    push_image(store, "app", "tagged", "v1")
    monkeypatch.setattr(untagged, "in_use", lambda repository, digests: {running: "service web runs it"})
    assert counts(collect(store, untagged=True, grace=0.0)) == (0, 0, 0)

    def broken(repository: str, digests: object) -> dict[str, str]:
        raise RuntimeError("the engine does not answer")

    monkeypatch.setattr(untagged, "in_use", broken)
    collection = collect(store, untagged=True, grace=0.0)
    assert (counts(collection), collection.skipped) == ((0, 0, 0), 1)
    monkeypatch.setattr(untagged, "in_use", lambda repository, digests: {})
    assert counts(collect(store, untagged=True, grace=0.0)) == (1, 2, 2)


def test_a_dry_run_says_exactly_what_a_real_one_removes(store: Store) -> None:
    """To the line and the byte, also what goes only since something else does; and it changes nothing."""
    push_image(store, "app", "kept", "v1")
    children = [push_image(store, "app", text) for text in ("amd64", "arm64")]
    push_image(store, "app", "signature", subject=push_index("app", children))
    push_blob(store, "other", b"garbage")
    dry, real = Told(), Told()
    before = on_disk(store)
    said = collect(store, untagged=True, grace=0.0, is_dry_run=True, listener=dry)
    assert on_disk(store) == before
    done = collect(store, untagged=True, grace=0.0, listener=real)
    assert counts(said) == counts(done) == (4, 7, 7)
    assert said.freed_bytes == done.freed_bytes > 0
    assert sorted(dry.lines) == sorted(real.lines)


def test_a_dry_run_knows_what_would_still_wait(store: Store) -> None:
    """The blobs of a manifest that goes have their grace period from then on."""
    push_image(store, "app", "kept", "v1")
    push_index("app", [push_image(store, "app", "child")])
    grow_old()
    said = collect(store, untagged=True, is_dry_run=True)
    assert counts(said) == counts(collect(store, untagged=True)) == (1, 0, 0)


def test_a_file_that_no_row_knows_goes_when_it_is_old(store: Store) -> None:
    """An upload died between moving its bytes and linking them."""
    digest = digest_of(b"stray")
    store.driver.write(paths.blob_data(digest.algorithm, digest.hex), b"stray")
    collection = collect(store)
    assert (counts(collection), collection.waiting) == ((0, 0, 0), 1)
    told = Told()
    assert counts(collect(store, grace=0.0, is_dry_run=True, listener=told)) == (0, 0, 1)
    assert told.lines == [f"file {digest}"]
    collection = collect(store, grace=0.0)
    assert (counts(collection), collection.freed_bytes) == ((0, 0, 1), 5)
    assert on_disk(store) == set()
    assert not Blob.objects.exists()


def test_a_file_that_an_upload_may_still_end_with_stays(store: Store) -> None:
    """However old its bytes are: its row has their digest."""
    digest = digest_of(b"slow")
    store.driver.write(paths.blob_data(digest.algorithm, digest.hex), b"slow")
    Upload.objects.create(repository_name="app", offset=4, digest=str(digest))
    assert counts(collect(store, grace=0.0)) == (0, 0, 0)
    assert stored(store, digest) == b"slow"


@pytest.mark.parametrize("folder", [paths.layer_folder, paths.revision_folder])
def test_a_tree_that_the_database_does_not_know_is_not_garbage(store: Store, folder: object) -> None:
    """Somebody starts the hub on the folder of another registry, or has lost the database: nothing is removed."""
    digest = digest_of(b"of a whole registry")
    store.driver.write(paths.blob_data(digest.algorithm, digest.hex), b"of a whole registry")
    link = paths.link(folder("team/app", digest.algorithm, digest.hex))  # type: ignore[operator]
    store.driver.write(link, str(digest).encode())
    collection = collect(store, grace=0.0)
    assert (counts(collection), collection.skipped) == ((0, 0, 0), 1)
    assert stored(store, digest) is not None


def test_what_is_no_blob_is_left_alone(store: Store) -> None:
    """In the blob tree an operator may have put anything."""
    kept = [f"{paths.BLOBS}/sha256/ab/note.txt", f"{paths.BLOBS}/md5/ab/abc/data", f"{paths.BLOBS}/sha256/ab/abc/data"]
    for path in kept:
        store.driver.write(path, b"kept")
    assert collect(store, grace=0.0).state == "finished"
    assert all(store.driver.size(path) == 4 for path in kept)


def test_a_blob_that_cannot_be_removed_holds_up_nobody(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted, keeps its row, and goes another time."""
    stuck, other = push_blob(store, "app", b"stuck"), push_blob(store, "app", b"other")
    delete = store.driver.delete

    def refuse(path: str) -> None:
        if stuck.hex in path and "/blobs/" in path:
            raise PermissionError(13, "Permission denied")
        delete(path)

    with monkeypatch.context() as patch:
        patch.setattr(store.driver, "delete", refuse)
        collection = collect(store, grace=0.0)
    assert (counts(collection), collection.skipped) == ((0, 2, 1), 1)
    assert (stored(store, stuck), stored(store, other)) == (b"stuck", None)
    assert counts(collect(store, grace=0.0)) == (0, 0, 1)
    assert on_disk(store) == set()


def test_a_blob_deleted_by_hand_is_no_obstacle(store: Store) -> None:
    """There is nothing to free, and its row goes."""
    digest = push_blob(store, "app", b"by hand")
    store.driver.delete(paths.blob_folder(digest.algorithm, digest.hex))
    collection = collect(store, grace=0.0)
    assert (counts(collection), collection.freed_bytes) == ((0, 1, 1), 0)


def test_a_removed_blob_is_pushed_anew(store: Store) -> None:
    """It gets a new row and its bytes."""
    digest = push_blob(store, "app", b"again")
    collect(store, grace=0.0)
    assert push_blob(store, "app", b"again") == digest
    assert stored(store, digest) == b"again"
    assert_consistent(store)

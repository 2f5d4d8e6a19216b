"""A collection and pushes that meet in the middle: what a push was answered is there, whole.

On PostgreSQL they meet at the rows of blobs, on SQLite one waits for the other; the outcome is the same.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from registryhub.oci.digests import digest_of
from registryhub.oci.errors import BLOB_UNKNOWN, MANIFEST_BLOB_UNKNOWN, UNAVAILABLE, OciError
from registryhub.registry import blobs, manifests, rows, tags, uploads
from registryhub.registry.collect import contents, files, links, untagged
from registryhub.registry.collect.runs import Run
from registryhub.registry.models import BlobLink, Manifest
from registryhub.registry.room import Store
from registryhub.storage import paths
from tests.registry.collecting import (
    DAY,
    assert_consistent,
    blobs_of,
    collect,
    counts,
    grow_old,
    image_of,
    is_whole,
    on_disk,
    parts_of,
    push_blob,
    push_image,
    push_index,
)
from tests.registry.stage import CONTEXT, put
from tests.registry.stores import body, store_in, stored

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = b"0123456789" * 100
DIGEST = digest_of(CONTENT)
_MOMENT_SECONDS = 0.3


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_in(tmp_path, "filesystem")


class Other(threading.Thread):
    """Somebody else, in a thread and on a connection of his own."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act = act
        self.outcome: object = None

    def run(self) -> None:
        try:
            self.outcome = self._act()
        except OciError as error:
            self.outcome = error.code
        except Exception as error:
            self.outcome = error
        finally:
            connection.close()


@contextmanager
def meanwhile(
    monkeypatch: pytest.MonkeyPatch, owner: object, name: str, act: Callable[[], object], *, after: bool = False
) -> Iterator[Other]:
    """The first time that the function is called, just before (or after) its work, somebody else begins to act.

    He gets a moment, in which he ends, or waits for what is held. At the end of the block he has ended.
    """
    other, real = Other(act), getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        answer = real(*args, **kwargs) if after else None
        if other.ident is None:
            other.start()
            other.join(_MOMENT_SECONDS)
        return answer if after else real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, call)
        yield other
    assert other.ident is not None, f"{name} was not called"
    other.join(30)
    assert not other.is_alive(), "a deadlock"


def upload(store: Store) -> None:
    at = uploads.append(store, uploads.start(store, "app"), body(CONTENT))
    uploads.finish(store, CONTEXT, at, body(b""), DIGEST)


@pytest.mark.parametrize(
    ("owner", "name", "after"),
    [
        (links, "lock_blobs", True),  # the blob is held, its link is about to go
        (links, "_remove_file", True),  # the link is gone, but not for good
        (contents, "lock_blobs", True),
        (contents, "erase", False),  # nobody links the blob, its bytes are about to go
        (contents, "erase", True),  # the bytes are gone, the row is not
    ],
)
def test_an_upload_that_ends_while_its_blob_is_collected(
    store: Store, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, after: bool
) -> None:
    """It finds the bytes, or puts its own in their place."""
    push_blob(store, "app", CONTENT)
    grow_old()
    with meanwhile(monkeypatch, owner, name, partial(upload, store), after=after) as other:
        collect(store)
    assert other.outcome is None
    assert stored(store, DIGEST) == CONTENT
    assert blobs.find_blob("app", DIGEST) == len(CONTENT)
    assert_consistent(store)


def test_an_upload_that_ends_while_its_file_without_a_row_is_collected(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row that is made to be held makes it wait."""
    store.driver.write(paths.blob_data(DIGEST.algorithm, DIGEST.hex), CONTENT)
    with meanwhile(monkeypatch, files, "erase", partial(push_blob, store, "app", CONTENT), after=True) as other:
        collect(store, grace=0.0)
    assert other.outcome == DIGEST
    assert stored(store, DIGEST) == CONTENT
    assert_consistent(store)


@pytest.mark.parametrize(("owner", "name"), [(links, "lock_blobs"), (links, "_remove_file")])
def test_a_mount_while_the_link_of_its_source_is_collected(
    store: Store, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    """It is answered with the blob, which then stays, or the client uploads it."""
    push_blob(store, "app", CONTENT)
    grow_old()
    mount = partial(blobs.mount_blob, store.driver, CONTEXT, "second", DIGEST, "app")
    with meanwhile(monkeypatch, owner, name, mount, after=True) as other:
        collect(store)
    assert other.outcome in (True, False)
    assert BlobLink.objects.filter(repository__name="second").exists() == other.outcome
    assert (stored(store, DIGEST) == CONTENT) == other.outcome
    assert_consistent(store)


def test_a_mount_of_old_garbage_saves_it(store: Store) -> None:
    """From then on it has a grace period of its own."""
    push_blob(store, "app", CONTENT)
    grow_old()
    assert blobs.mount_blob(store.driver, CONTEXT, "second", DIGEST, "app")
    assert counts(collect(store)) == (0, 1, 0)
    assert blobs.find_blob("second", DIGEST) == len(CONTENT)


def old_parts(store: Store) -> None:
    """Blobs of an image that is not pushed yet, which nobody has used for long."""
    for part in parts_of("late"):
        push_blob(store, "app", part)
    push_image(store, "app", "other", "v1")
    grow_old()


@pytest.mark.parametrize(("owner", "name"), [(links, "lock_blobs"), (links, "_remove_file")])
def test_a_manifest_that_comes_while_its_blobs_are_collected(
    store: Store, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
) -> None:
    """It is stored and whole, or told which blobs are missing; never stored without them."""
    old_parts(store)
    with meanwhile(monkeypatch, owner, name, lambda: put("app", image_of("late"), tag="late"), after=True) as other:
        collect(store)
    assert other.outcome is MANIFEST_BLOB_UNKNOWN
    assert_consistent(store)
    push_image(store, "app", "late", "late")
    grow_old()
    assert counts(collect(store)) == (0, 0, 0)
    assert_consistent(store)


def test_a_collection_that_comes_while_a_manifest_is_stored(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a push has checked nobody removes before it has committed."""
    old_parts(store)
    with meanwhile(monkeypatch, manifests, "check_references", partial(collect, store), after=True) as other:
        digest = put("app", image_of("late"), tag="late")
    assert counts(other.outcome) == (0, 0, 0)  # type: ignore[arg-type]
    assert Manifest.objects.filter(digest=digest).exists()
    assert_consistent(store)


def test_a_head_gives_an_unused_blob_its_grace_period_anew(store: Store) -> None:
    """So a client that skips the upload since the blob is there can push its manifest."""
    old_parts(store)
    for part in parts_of("late"):
        assert blobs.look_at_blob(store.driver, "app", digest_of(part)) == len(part)
    assert counts(collect(store)) == (0, 0, 0)
    put("app", image_of("late"), tag="late")
    assert_consistent(store)


def test_a_head_writes_only_when_it_must(store: Store) -> None:
    """Not for what a manifest refers to, and not again within a quarter of the grace period."""
    push_image(store, "app", "image", "v1")
    push_blob(store, "app", CONTENT)
    fresh = timezone.now() - timedelta(seconds=DAY / 5)
    old = timezone.now() - timedelta(seconds=DAY / 3)
    BlobLink.objects.filter(blob__digest=str(DIGEST)).update(touched_at=fresh)
    BlobLink.objects.exclude(blob__digest=str(DIGEST)).update(touched_at=old)
    for digest in (DIGEST, *blobs_of("image")):
        blobs.look_at_blob(store.driver, "app", digest)
    assert set(BlobLink.objects.values_list("touched_at", flat=True)) == {fresh, old}
    BlobLink.objects.update(touched_at=old)
    blobs.look_at_blob(store.driver, "app", DIGEST)
    assert BlobLink.objects.get(blob__digest=str(DIGEST)).touched_at > fresh


def test_a_head_that_comes_before_the_link_goes_keeps_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """That it was garbage when it was found counts for nothing."""
    push_blob(store, "app", CONTENT)
    grow_old()
    look = partial(blobs.look_at_blob, store.driver, "app", DIGEST)
    with meanwhile(monkeypatch, Run, "step", look) as other:
        assert counts(collect(store)) == (0, 0, 0)
    assert other.outcome == len(CONTENT)
    assert blobs.find_blob("app", DIGEST) == len(CONTENT)


def test_a_head_that_comes_as_the_link_goes_says_that_it_is_gone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client then uploads the blob: it is never told of one that is not there any more."""
    push_blob(store, "app", CONTENT)
    grow_old()
    look = partial(blobs.look_at_blob, store.driver, "app", DIGEST)
    with meanwhile(monkeypatch, links, "_remove_file", look, after=True) as other:
        collect(store)
    assert other.outcome is BLOB_UNKNOWN
    assert on_disk(store) == set()


@pytest.mark.parametrize("moment", ["lock", "remove"])
def test_a_tag_that_comes_while_its_manifest_is_collected(
    store: Store, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """The push stores the manifest anew, or is told that its blobs went too; the tag never points at nothing."""
    push_image(store, "app", "tagged", "v1")
    push_image(store, "app", "untagged")
    content = bytes(Manifest.objects.latest("pk").payload)
    with meanwhile(monkeypatch, rows, moment, lambda: put("app", content, tag="late"), after=True) as other:
        collect(store, untagged=True, grace=0.0)
    is_stored = other.outcome == str(digest_of(content))
    assert is_stored or other.outcome is MANIFEST_BLOB_UNKNOWN
    assert (tags.find_digest("app", "late") is not None) == is_stored
    assert_consistent(store)


def test_an_index_that_comes_before_its_child_is_collected_keeps_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is asked again when the row of the child is held."""
    push_image(store, "app", "tagged", "v1")
    child = push_image(store, "app", "child")
    with meanwhile(monkeypatch, untagged, "_needed_by", lambda: push_index("app", [child], "multi")) as other:
        collection = collect(store, untagged=True, grace=0.0)
    assert isinstance(other.outcome, str)
    assert counts(collection) == (0, 0, 0)
    assert is_whole(store, "child", "app")
    assert_consistent(store)


PARTS = [b"part %d" % number for number in range(12)]


class Pusher(threading.Thread):
    """Pushes images and blobs that others push too, in an order of his own, and deletes every third image."""

    def __init__(self, store: Store, number: int, stop: threading.Event) -> None:
        super().__init__()
        self._store, self._number, self._stop_event = store, number, stop
        self.error: Exception | None = None
        self.pushed = 0

    def run(self) -> None:
        try:
            while not self._stop_event.is_set():
                self._push(f"app{self._number % 2}", f"{self._number}-{self.pushed}")
        except Exception as error:
            self.error = error
        finally:
            connection.close()

    def _push(self, repository: str, text: str) -> None:
        try:
            for part in (*parts_of(text), *PARTS[self._number % 4 :: 2]):
                push_blob(self._store, repository, part)
            digest = put(repository, image_of(text), tag=f"t{self._number}")
        except OciError as error:
            if error.code not in (MANIFEST_BLOB_UNKNOWN, UNAVAILABLE):  # the collection was faster
                raise
            return
        self.pushed += 1
        if self.pushed % 3 == 0:
            manifests.delete(CONTEXT, repository, digest)


def test_pushes_and_a_collection_never_wait_for_one_another_in_a_ring(store: Store) -> None:
    """Manifests and blobs that several push in any order, and deletes, beside a collection in a loop: no deadlock."""
    stop = threading.Event()
    pushers = [Pusher(store, number, stop) for number in range(4)]
    for pusher in pushers:
        pusher.start()
    removed, deadline = 0, time.monotonic() + 60
    try:
        while time.monotonic() < deadline and not (removed > 20 and all(pusher.pushed > 5 for pusher in pushers)):
            removed += collect(store, grace=0.2, untagged=True).blobs
    finally:
        stop.set()
        for pusher in pushers:
            pusher.join()
    assert [pusher.error for pusher in pushers] == [None] * 4
    assert all(pusher.pushed for pusher in pushers)
    assert removed
    assert_consistent(store)

"""Uploads and the room on the disk."""

from dataclasses import replace
from pathlib import Path

import pytest

from registryhub.oci.errors import UNAVAILABLE, OciError
from registryhub.registry import uploads
from registryhub.registry.room import Store
from registryhub.storage import paths
from registryhub.storage.memory import MemoryDriver
from tests.registry.stage import CONTEXT
from tests.registry.stores import KINDS, body, store_in
from tests.registry.uploading import CONTENT, DIGEST, REPOSITORY, assert_nothing_pushed, assert_pushed, refusal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return store_in(tmp_path, request.param)


def test_a_full_storage_gives_the_room_back(tmp_path: Path) -> None:
    """Nothing of the chunk is kept; when there is room again the same request succeeds."""
    driver = MemoryDriver(capacity=1000)
    store = Store(driver, tmp_path, 0)
    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT[:500]))
    with pytest.raises(OciError, match="insufficient storage") as caught:
        uploads.finish(store, CONTEXT, at, body(CONTENT[500:], None), DIGEST)
    assert caught.value.code is UNAVAILABLE
    assert uploads.find_upload(REPOSITORY, at.id) == at
    assert driver.size(paths.upload(REPOSITORY, at.id)) == 500
    assert_nothing_pushed(store)
    driver.capacity = 10_000
    uploads.finish(store, CONTEXT, at, body(CONTENT[500:]), DIGEST)
    assert_pushed(store)


def test_pushes_are_refused_before_the_disk_is_full(store: Store, tmp_path: Path) -> None:
    """Below the floor nothing begins or goes on, and the error says what to do."""
    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT[:500]))
    low = replace(store, floor_bytes=1 << 60)
    for act in (
        lambda: uploads.start(low, REPOSITORY),
        lambda: uploads.append(low, at, body(b"x")),
        lambda: uploads.finish(low, CONTEXT, at, body(b"x"), DIGEST),
    ):
        with pytest.raises(OciError, match=r"hub\.limits\.free_bytes") as caught:
            act()
        assert caught.value.code is UNAVAILABLE
        assert ("retry-after", "60") in caught.value.headers
    assert uploads.find_upload(REPOSITORY, at.id) == at


def test_a_push_larger_than_the_room_is_refused_at_once(tmp_path: Path) -> None:
    """Content-Length tells: no byte is read."""
    store = Store(MemoryDriver(capacity=1000), tmp_path, 100)
    begun = uploads.start(store, REPOSITORY)
    incoming = body(CONTENT)
    assert refusal(uploads.append, store, begun, incoming) is UNAVAILABLE
    assert incoming.body.read(1) == CONTENT[:1]


def test_a_long_body_is_stopped_when_the_disk_runs_low(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it streams it looks now and then; what came is given back."""
    monkeypatch.setattr("registryhub.registry.ingest.CHECK_BYTES", 1 << 20)
    driver = MemoryDriver(capacity=10 << 20)
    store = Store(driver, tmp_path, 8 << 20)
    begun = uploads.start(store, REPOSITORY)
    assert refusal(uploads.append, store, begun, body(b"x" * (5 << 20), None)) is UNAVAILABLE
    assert driver.size(paths.upload(REPOSITORY, begun.id)) == 0


def test_a_real_disk_that_is_full(small_disk: Path) -> None:
    """503, nothing half-written, and the disk is as free as before."""
    store = store_in(small_disk, "filesystem")
    free = store.driver.free_bytes()
    assert free is not None
    begun = uploads.start(store, REPOSITORY)
    for promised in (2 << 20, None):
        assert refusal(uploads.append, store, begun, body(b"x" * (2 << 20), promised)) is (UNAVAILABLE)
    assert uploads.find_upload(REPOSITORY, begun.id).offset == 0
    assert store.driver.size(paths.upload(REPOSITORY, begun.id)) == 0
    uploads.finish(store, CONTEXT, begun, body(CONTENT), DIGEST)
    assert_pushed(store)

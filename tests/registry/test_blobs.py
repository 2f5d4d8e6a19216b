"""The rules of blobs: who sees which, mounts, removal (reference B.8, B.9, B.10)."""

from contextlib import closing
from pathlib import Path

import pytest
from django.db import transaction

from registryhub.oci.digests import digest_of
from registryhub.oci.errors import BLOB_UNKNOWN, OciError
from registryhub.registry import blobs, uploads
from registryhub.registry.models import Blob, BlobLink
from registryhub.registry.room import Store
from registryhub.storage import paths
from tests.registry.stage import CONTEXT, counted_queries, stored_events
from tests.registry.stores import KINDS, body, store_in, stored

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = b"0123456789" * 100
DIGEST = digest_of(CONTENT)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """A store in which `first/app` has one blob."""
    made = store_in(tmp_path, request.param)
    uploads.store_blob(made, CONTEXT, "first/app", body(CONTENT), DIGEST)
    return made


def assert_unknown(repository: str) -> None:
    with pytest.raises(OciError) as caught:
        blobs.find_blob(repository, DIGEST)
    assert caught.value.code is BLOB_UNKNOWN
    assert caught.value.detail == str(DIGEST)


def test_a_blob_is_seen_in_repositories_that_link_it_only(store: Store) -> None:
    """Knowing a digest opens nothing in another repository."""
    assert blobs.find_blob("first/app", DIGEST) == len(CONTENT)
    assert_unknown("second/app")
    assert_unknown("first")


def test_a_part_of_a_blob_is_read(store: Store) -> None:
    """Start and length are given to the driver."""
    with closing(blobs.open_blob(store.driver, DIGEST, size=len(CONTENT), start=5, length=10)) as reader:
        assert b"".join(reader) == b"5678901234"


def test_a_blob_whose_bytes_are_lost_is_unknown(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """The operator reads of it in the log; a client is told to push it again."""
    store.driver.delete(paths.blob_folder(DIGEST.algorithm, DIGEST.hex))
    assert not blobs.is_stored(store.driver, DIGEST, len(CONTENT))
    with pytest.raises(OciError) as caught:
        blobs.open_blob(store.driver, DIGEST, size=len(CONTENT), start=0, length=1)
    assert caught.value.code is BLOB_UNKNOWN
    assert "push it again" in caplog.text


@pytest.mark.parametrize("wrong", [CONTENT[:-1], b"", CONTENT + b"x"])
def test_a_blob_with_other_bytes_than_its_row_says_is_unknown(
    store: Store, caplog: pytest.LogCaptureFixture, wrong: bytes
) -> None:
    """Not even its beginning is served, and a client that asks pushes it again."""
    store.driver.write(paths.blob_data(DIGEST.algorithm, DIGEST.hex), wrong)
    with pytest.raises(OciError) as caught:
        blobs.open_blob(store.driver, DIGEST, size=len(CONTENT), start=0, length=1)
    assert caught.value.code is BLOB_UNKNOWN
    assert f"has {len(wrong)} bytes instead of {len(CONTENT)}: push it again" in caplog.text
    with pytest.raises(OciError) as caught:
        blobs.look_at_blob(store.driver, "first/app", DIGEST)
    assert caught.value.code is BLOB_UNKNOWN
    uploads.store_blob(store, CONTEXT, "first/app", body(CONTENT), DIGEST)
    assert stored(store, DIGEST) == CONTENT


def test_looking_at_a_blob_is_one_query(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A HEAD of docker before each upload must be cheap."""
    with counted_queries(monkeypatch) as asked:
        assert blobs.look_at_blob(store.driver, "first/app", DIGEST) == len(CONTENT)
    assert asked == ["blob_look_at"]
    with pytest.raises(OciError):
        blobs.look_at_blob(store.driver, "second/app", DIGEST)


def test_a_mount_links_and_announces(store: Store) -> None:
    """The event names where the blob came from; a second mount is one more event and no second link."""
    for _ in range(2):
        assert blobs.mount_blob(store.driver, CONTEXT, "second/app", DIGEST, "first/app")
    assert blobs.find_blob("second/app", DIGEST) == len(CONTENT)
    mounts = [event for event in stored_events() if event.action == "mount"]
    assert [(event.repository, event.from_repository, event.size) for event in mounts] == [
        ("second/app", "first/app", len(CONTENT))
    ] * 2
    assert BlobLink.objects.count() == 2


@pytest.mark.parametrize("is_lost", [False, True])
def test_what_cannot_be_mounted_changes_nothing(store: Store, is_lost: bool) -> None:
    """A source without the blob, or a blob without its bytes."""
    if is_lost:
        store.driver.delete(paths.blob_folder(DIGEST.algorithm, DIGEST.hex))
    source = "first/app" if is_lost else "nobody/app"
    assert not blobs.mount_blob(store.driver, CONTEXT, "second/app", DIGEST, source)
    assert_unknown("second/app")
    assert [event.action for event in stored_events()] == ["push"]


def test_a_mount_and_its_event_commit_together(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the event there is no link."""

    def refuse(*_: object) -> None:
        raise RuntimeError("no event")

    with monkeypatch.context() as patch:
        patch.setattr("registryhub.registry.announce.blob_mounted", refuse)
        with pytest.raises(RuntimeError, match="no event"):
            blobs.mount_blob(store.driver, CONTEXT, "second/app", DIGEST, "first/app")
    assert_unknown("second/app")


def test_removing_a_blob_removes_the_link_only(store: Store) -> None:
    """Other repositories keep it, and its bytes stay."""
    blobs.mount_blob(store.driver, CONTEXT, "second/app", DIGEST, "first/app")
    blobs.unlink_blob(CONTEXT, "first/app", DIGEST)
    assert_unknown("first/app")
    assert blobs.find_blob("second/app", DIGEST) == len(CONTENT)
    assert stored(store, DIGEST) == CONTENT
    event = stored_events()[-1]
    assert (event.action, event.repository, event.digest) == ("delete", "first/app", str(DIGEST))
    with pytest.raises(OciError) as caught:
        blobs.unlink_blob(CONTEXT, "first/app", DIGEST)
    assert caught.value.code is BLOB_UNKNOWN
    assert len(stored_events()) == 3


def test_locking_a_blob_makes_its_row_once(store: Store) -> None:
    """The same id each time, within one transaction and over several."""
    with transaction.atomic():
        ids = {blobs.lock_blob(DIGEST, len(CONTENT)), blobs.lock_blob(DIGEST, len(CONTENT))}
    with transaction.atomic():
        ids.add(blobs.lock_blob(DIGEST, len(CONTENT)))
    assert ids == {Blob.objects.get().pk}

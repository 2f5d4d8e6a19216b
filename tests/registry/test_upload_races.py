"""Uploads that several requests work at, and processes that die in the middle."""

import io
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from registryhub.oci.digests import Digest, digest_of
from registryhub.oci.errors import BLOB_UPLOAD_UNKNOWN, DIGEST_INVALID, UNAVAILABLE, ErrorCode, OciError
from registryhub.registry import announce, blobs, holds, links, progress, uploads
from registryhub.registry.ingest import Incoming
from registryhub.registry.models import Blob, BlobLink
from registryhub.registry.progress import Progress, WrongOffset
from registryhub.registry.room import Store
from registryhub.storage import paths
from tests.registry.stage import CONTEXT, stored_events
from tests.registry.stores import KINDS, body, store_in, stored
from tests.registry.uploading import (
    CONTENT,
    DIGEST,
    REPOSITORY,
    assert_nothing_left,
    assert_nothing_pushed,
    assert_pushed,
    change_process,
    push,
    refusal,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return store_in(tmp_path, request.param)


class Killed(BaseException):
    """The process dies here."""


class Interrupted(io.BytesIO):
    """A body in whose middle something else happens."""

    def __init__(self, content: bytes, act: Callable[[], object]) -> None:
        super().__init__(content)
        self.act = act

    def read(self, size: int | None = -1, /) -> bytes:
        act, self.act = self.act, lambda: None
        act()
        return super().read(size)


def test_two_requests_never_write_to_one_upload(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a chunk streams in, any other writer is told to come back later."""
    monkeypatch.setattr(holds, "BUSY_SECONDS", 0.0)
    begun = uploads.start(store, REPOSITORY)
    refused: list[ErrorCode] = []

    def interfere() -> None:
        refused.append(refusal(uploads.append, store, begun, body(b"x")))
        refused.append(refusal(uploads.finish, store, CONTEXT, begun, body(b"x"), DIGEST))

    at = uploads.append(store, begun, Incoming(Interrupted(CONTENT, interfere), len(CONTENT)))
    assert refused == [UNAVAILABLE, UNAVAILABLE]
    uploads.finish(store, CONTEXT, at, body(b""), DIGEST)
    assert_pushed(store)


def test_a_request_waits_a_moment_for_the_one_before_it(store: Store) -> None:
    """A client that was cut off goes on at once, while the server still notices."""
    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT))
    appender = store.driver.open_appender(paths.upload(REPOSITORY, at.id))
    release = threading.Timer(0.1, appender.close)
    release.start()
    uploads.finish(store, CONTEXT, at, body(b""), DIGEST)
    release.join()
    assert_pushed(store)


@pytest.mark.parametrize("is_last", [False, True])
def test_a_request_notices_that_its_upload_was_cancelled(store: Store, is_last: bool) -> None:
    """Cancelling does not wait; the writer finds out at its end, and nothing is pushed."""
    begun = uploads.start(store, REPOSITORY)
    incoming = Incoming(Interrupted(CONTENT, lambda: uploads.cancel(store, REPOSITORY, begun.id)), len(CONTENT))
    if is_last:
        assert refusal(uploads.finish, store, CONTEXT, begun, incoming, DIGEST) is BLOB_UPLOAD_UNKNOWN
    else:
        assert refusal(uploads.append, store, begun, incoming) is BLOB_UPLOAD_UNKNOWN
    assert_nothing_left(store)
    assert not Blob.objects.exists()
    assert stored_events() == []


@pytest.mark.parametrize("last", [b"", CONTENT[2000:]])
@pytest.mark.parametrize("round_", range(5))
def test_of_several_that_finish_one_upload_exactly_one_succeeds(store: Store, last: bytes, round_: int) -> None:
    """The others get an error of the table, and there is one event."""
    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT[: len(CONTENT) - len(last)]))
    outcomes: list[ErrorCode | str] = []
    barrier = threading.Barrier(4)

    def finish() -> None:
        barrier.wait()
        try:
            uploads.finish(store, CONTEXT, at, body(last), DIGEST)
            outcomes.append("pushed")
        except OciError as error:
            outcomes.append(error.code)
        except WrongOffset:
            outcomes.append("wrong offset")
        finally:
            connection.close()

    threads = [threading.Thread(target=finish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("pushed") == 1, outcomes
    assert set(outcomes) <= {"pushed", BLOB_UPLOAD_UNKNOWN, UNAVAILABLE, "wrong offset"}
    assert_pushed(store)


def test_many_push_the_same_blob_at_once(store: Store) -> None:
    """Each has its own upload; there is one blob, one link and an event for each."""

    def push_one() -> None:
        try:
            push(store)
        finally:
            connection.close()

    threads = [threading.Thread(target=push_one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert stored(store, DIGEST) == CONTENT
    assert (Blob.objects.count(), BlobLink.objects.count(), len(stored_events())) == (1, 1, 6)
    assert_nothing_left(store)


def die(monkeypatch: pytest.MonkeyPatch, place: tuple[object, str]) -> None:
    def killed(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(*place, killed)


@pytest.mark.parametrize(
    "place",
    [
        (uploads, "_move"),  # all bytes are synced, and recorded where they could not be sent again
        (uploads, "_link"),  # the blob is in its place
        (links, "claim_and_link"),
        # PostgreSQL takes these steps in one statement, SQLite one after the other
        pytest.param((blobs, "lock_blob"), marks=pytest.mark.only_database("sqlite")),
        pytest.param((blobs, "link_blob"), marks=pytest.mark.only_database("sqlite")),
        (announce, "blob_pushed"),  # the row of the upload is gone, but not for good
    ],
)
@pytest.mark.parametrize("split", [0, 2000, len(CONTENT)])
@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_finish_that_died_can_be_repeated(
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    place: tuple[object, str],
    split: int,
    algorithm: str,
) -> None:
    """Between any two steps: the client repeats its request, or asks where the upload stands and ends it."""
    digest = digest_of(CONTENT, algorithm)
    at = uploads.start(store, REPOSITORY)
    if split:
        at = uploads.append(store, at, body(CONTENT[:split]))
    with monkeypatch.context() as patch:
        die(patch, place)
        with pytest.raises(Killed):
            uploads.finish(store, CONTEXT, at, body(CONTENT[split:]), digest)
    change_process()
    assert stored_events() == []
    assert not BlobLink.objects.exists()
    now = uploads.find_upload(REPOSITORY, at.id)
    uploads.finish(store, CONTEXT, now, body(CONTENT[now.offset :]), digest)
    assert_pushed(store, digest=digest)


def test_a_finish_that_died_before_cleaning_up_has_pushed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit counts; its upload is over, and whoever asks for the blob finds it."""
    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT))
    with monkeypatch.context() as patch:
        die(patch, (uploads, "clear"))
        with pytest.raises(Killed):
            uploads.finish(store, CONTEXT, at, body(b""), DIGEST)
    assert refusal(uploads.finish, store, CONTEXT, at, body(b""), DIGEST) is BLOB_UPLOAD_UNKNOWN
    assert blobs.find_blob(REPOSITORY, DIGEST) == len(CONTENT)
    assert len(stored_events()) == 1


def test_a_chunk_that_died_before_it_was_recorded_is_sent_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are there, the row does not know: the upload stands where it stood."""
    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT[:100]))
    with monkeypatch.context() as patch:
        die(patch, (progress, "move"))
        with pytest.raises(Killed):
            uploads.append(store, at, body(CONTENT[100:2000]))
    assert uploads.find_upload(REPOSITORY, at.id) == at
    at = uploads.append(store, at, body(CONTENT[100:]))
    uploads.finish(store, CONTEXT, at, body(b""), DIGEST)
    assert_pushed(store)


def test_a_start_that_fails_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a row there is no folder either."""
    die(monkeypatch, (progress, "insert"))
    with pytest.raises(Killed):
        uploads.start(store, REPOSITORY)
    assert_nothing_left(store)


def test_nobody_gets_at_a_blob_by_its_name_alone(store: Store) -> None:
    """An upload without the bytes never ends in a link to another repository's blob."""
    push(store, b"a secret of another repository", repository="secret/app")
    secret = digest_of(b"a secret of another repository")
    for content in (b"", CONTENT):
        at = uploads.start(store, REPOSITORY)
        if content:
            at = uploads.append(store, at, body(content))
        store.driver.delete(paths.upload(REPOSITORY, at.id))
        assert refusal(uploads.finish, store, CONTEXT, at, body(b""), secret) in (
            DIGEST_INVALID,
            BLOB_UPLOAD_UNKNOWN,
        )
    assert not BlobLink.objects.filter(repository__name=REPOSITORY).exists()


@pytest.mark.parametrize("is_known", [False, True])
def test_a_blob_collected_under_a_push_is_never_linked_without_bytes(
    store: Store, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    """When the collection wins the row, the push puts its own bytes there, or is told to come again."""
    if is_known:
        store.driver.write(paths.blob_data(DIGEST.algorithm, DIGEST.hex), CONTENT)
    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT))
    link = links.claim_and_link

    def collected_first(at: Progress, repository_id: int, digest: Digest, size: int) -> None:
        store.driver.delete(paths.blob_folder(digest.algorithm, digest.hex))
        link(at, repository_id, digest, size)

    monkeypatch.setattr(links, "claim_and_link", collected_first)
    if is_known:
        uploads.finish(store, CONTEXT, at, body(b""), DIGEST)
        assert_pushed(store)
    else:
        assert refusal(uploads.finish, store, CONTEXT, at, body(b""), DIGEST) is UNAVAILABLE
        assert_nothing_pushed(store)

"""The rules of uploads (reference B.9, E.2): chunks and ends, and what is left when a request is wrong."""

import io
import logging
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from registryhub.oci.digests import digest_of
from registryhub.oci.errors import BLOB_UPLOAD_UNKNOWN, DIGEST_INVALID, SIZE_INVALID, OciError
from registryhub.registry import blobs, progress, uploads
from registryhub.registry.ingest import Incoming
from registryhub.registry.models import Blob
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


def test_a_new_upload_is_empty_and_says_when_it_began(store: Store) -> None:
    """Its row and its file exist."""
    begun = uploads.start(store, REPOSITORY)
    assert begun.offset == 0
    assert uploads.find_upload(REPOSITORY, begun.id) == begun
    assert store.driver.size(paths.upload(REPOSITORY, begun.id)) == 0


def test_a_blob_in_one_chunk_and_an_empty_end(store: Store) -> None:
    """The way docker pushes."""
    push(store)
    assert_pushed(store)


@pytest.mark.parametrize("last", [b"", CONTENT[2000:]])
def test_a_blob_in_many_chunks(store: Store, last: bytes) -> None:
    """Chunks add up, and the last one may come with the end."""
    at = uploads.start(store, REPOSITORY)
    whole = CONTENT[: len(CONTENT) - len(last)]
    for start in range(0, len(whole), 700):
        at = uploads.append(store, at, body(whole[start : start + 700]))
        assert uploads.find_upload(REPOSITORY, at.id) == at
    assert at.offset == len(whole)
    uploads.finish(store, CONTEXT, at, body(last), DIGEST)
    assert_pushed(store)


@pytest.mark.parametrize("content", [CONTENT, b""])
def test_a_blob_in_one_request(store: Store, content: bytes) -> None:
    """All bytes, or none at all, may come with the end."""
    uploads.finish(store, CONTEXT, uploads.start(store, REPOSITORY), body(content), digest_of(content))
    assert_pushed(store, content)


def test_a_body_of_unknown_length(store: Store) -> None:
    """Chunked transfer promises nothing; what comes is taken."""
    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT[:9], None))
    uploads.finish(store, CONTEXT, at, body(CONTENT[9:], None), DIGEST)
    assert_pushed(store)


@pytest.mark.parametrize("algorithm", ["sha384", "sha512"])
@pytest.mark.parametrize("split", [0, 100, len(CONTENT)])
def test_a_blob_by_another_digest(store: Store, algorithm: str, split: int) -> None:
    """It is stored and known under the digest its client uses."""
    digest = digest_of(CONTENT, algorithm)
    at = uploads.start(store, REPOSITORY)
    if split:
        at = uploads.append(store, at, body(CONTENT[:split]))
    uploads.finish(store, CONTEXT, at, body(CONTENT[split:]), digest)
    assert_pushed(store, digest=digest)


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("last", [b"", CONTENT[2000:]])
def test_an_end_reads_nothing_again(store: Store, monkeypatch: pytest.MonkeyPatch, algorithm: str, last: bytes) -> None:
    """The digest of all bytes is known from the chunks, by the algorithm that the upload began with; an empty end may
    land in any process."""
    whole = CONTENT[: len(CONTENT) - len(last)]
    at = uploads.append(store, uploads.start(store, REPOSITORY, algorithm), body(whole[:9]))
    at = uploads.append(store, at, body(whole[9:]))
    if not last:
        change_process()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the bytes were read again")

    digest = digest_of(CONTENT, algorithm)
    with monkeypatch.context() as patch:
        patch.setattr(type(store.driver), "open_reader", refuse)
        uploads.finish(store, CONTEXT, at, body(last), digest)
    assert_pushed(store, digest=digest)


@pytest.mark.parametrize("begun", ["sha256", "sha512"])
@pytest.mark.parametrize("ended", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("cuts", [(), (100,), (100, 2000), (100, len(CONTENT))])
def test_an_upload_may_end_by_another_algorithm(store: Store, begun: str, ended: str, cuts: tuple[int, ...]) -> None:
    """The bytes are then read once more; what was hashed on the way is of no use, and does no harm."""
    at = uploads.start(store, REPOSITORY, begun)
    for first, last in zip((0, *cuts), cuts, strict=False):
        at = uploads.append(store, at, body(CONTENT[first:last]))
    digest = digest_of(CONTENT, ended)
    uploads.finish(store, CONTEXT, at, body(CONTENT[at.offset :]), digest)
    assert_pushed(store, digest=digest)


def test_an_end_by_another_algorithm_that_was_cut_off_goes_on(store: Store) -> None:
    """What it left behind says whose digest it is."""
    begun = uploads.start(store, REPOSITORY, "sha256")
    digest = digest_of(CONTENT, "sha512")
    cut = body(CONTENT[:2000], len(CONTENT))
    assert refusal(uploads.finish, store, CONTEXT, begun, cut, digest) is SIZE_INVALID
    at = uploads.append(store, uploads.find_upload(REPOSITORY, begun.id), body(CONTENT[2000:]))
    uploads.finish(store, CONTEXT, at, body(b""), DIGEST)
    assert_pushed(store)


@pytest.mark.parametrize("last", [b"", CONTENT[2000:]])
def test_an_upload_may_change_its_process(store: Store, last: bytes) -> None:
    """Whatever was only in the memory of one process is found again from the bytes."""
    at = uploads.start(store, REPOSITORY)
    whole = CONTENT[: len(CONTENT) - len(last)]
    for start in range(0, len(whole), 1000):
        at = uploads.append(store, at, body(whole[start : start + 1000]))
        change_process()
    uploads.finish(store, CONTEXT, at, body(last), DIGEST)
    assert_pushed(store)


def test_a_blob_that_is_there_already_is_linked_and_announced(store: Store) -> None:
    """The new bytes are dropped; the push is an event all the same, as in the reference."""
    push(store, repository="first/one")
    push(store)
    assert stored(store, DIGEST) == CONTENT
    assert blobs.find_blob(REPOSITORY, DIGEST) == len(CONTENT)
    assert [event.repository for event in stored_events()] == ["first/one", REPOSITORY]
    assert Blob.objects.count() == 1
    assert_nothing_left(store)


def test_a_push_mends_a_blob_that_lost_bytes(store: Store) -> None:
    """A file of another size than the blob is none."""
    push(store, repository="first/one")
    store.driver.write(paths.blob_data(DIGEST.algorithm, DIGEST.hex), b"damaged")
    push(store)
    assert stored(store, DIGEST) == CONTENT


@pytest.mark.parametrize("chunks", [(b"", b"wrong"), (b"wrong", b""), (CONTENT, b"!"), (b"", b"")])
def test_other_bytes_than_announced_leave_nothing(store: Store, chunks: tuple[bytes, bytes]) -> None:
    """The error says what was sent; the upload is gone."""
    at = uploads.start(store, REPOSITORY)
    if chunks[0]:
        at = uploads.append(store, at, body(chunks[0]))
    with pytest.raises(OciError) as caught:
        uploads.finish(store, CONTEXT, at, body(chunks[1]), DIGEST)
    assert caught.value.code is DIGEST_INVALID
    assert str(digest_of(b"".join(chunks))) in caught.value.detail
    assert_nothing_pushed(store)
    assert_nothing_left(store)


def test_a_chunk_for_another_place_changes_nothing(store: Store) -> None:
    """Whoever repeats or skips a chunk is told where the upload stands."""
    begun = uploads.start(store, REPOSITORY)
    at = uploads.append(store, begun, body(CONTENT[:100]))
    for wrong in (begun, replace(at, offset=99), replace(at, offset=101)):
        with pytest.raises(WrongOffset) as caught:
            uploads.append(store, wrong, body(b"x"))
        assert caught.value.progress == at
        with pytest.raises(WrongOffset):
            uploads.finish(store, CONTEXT, wrong, body(b"x"), DIGEST)
    uploads.finish(store, CONTEXT, at, body(CONTENT[100:]), DIGEST)
    assert_pushed(store)


def test_a_body_that_ends_early_is_kept_to_go_on_from(store: Store) -> None:
    """A client that was cut off asks for the status and sends the rest, with a chunk or with the end."""
    begun = uploads.start(store, REPOSITORY)
    assert refusal(uploads.append, store, begun, body(CONTENT[:50], 1000)) is SIZE_INVALID
    at = uploads.find_upload(REPOSITORY, begun.id)
    assert at.offset == 50
    assert refusal(uploads.finish, store, CONTEXT, at, body(CONTENT[50:80], 1000), DIGEST) is SIZE_INVALID
    at = uploads.find_upload(REPOSITORY, begun.id)
    assert at.offset == 80
    assert_nothing_pushed(store)
    uploads.finish(store, CONTEXT, at, body(CONTENT[80:]), DIGEST)
    assert_pushed(store)


def test_a_body_that_exceeds_its_range_is_refused(store: Store) -> None:
    """Nothing of it is kept: nobody can say which bytes were meant."""
    begun = uploads.start(store, REPOSITORY)
    longer = Incoming(io.BytesIO(CONTENT), 100, may_exceed=True)
    assert refusal(uploads.append, store, begun, longer) is SIZE_INVALID
    assert uploads.find_upload(REPOSITORY, begun.id).offset == 0
    assert store.driver.size(paths.upload(REPOSITORY, begun.id)) == 0


def test_an_upload_is_known_in_its_own_repository_only(store: Store) -> None:
    """Under another name, or another id, there is nothing."""
    begun = uploads.start(store, REPOSITORY)
    for wrong in (replace(begun, repository="other/app"), replace(begun, id=uuid4())):
        assert refusal(uploads.find_upload, wrong.repository, wrong.id) is BLOB_UPLOAD_UNKNOWN
        assert refusal(uploads.append, store, wrong, body(b"x")) is BLOB_UPLOAD_UNKNOWN
        assert refusal(uploads.finish, store, CONTEXT, wrong, body(b"x"), DIGEST) is BLOB_UPLOAD_UNKNOWN
        assert refusal(uploads.cancel, store, wrong.repository, wrong.id) is BLOB_UPLOAD_UNKNOWN
    assert uploads.find_upload(REPOSITORY, begun.id) == begun


def test_bytes_behind_the_recorded_offset_are_cut_off(store: Store) -> None:
    """A process that died in the middle of a chunk leaves more than its row says."""
    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT[:100]))
    with store.driver.open_appender(paths.upload(REPOSITORY, at.id)) as appender:
        appender.start_at(100)
        appender.write(b"torn")
    uploads.finish(store, CONTEXT, at, body(CONTENT[100:]), DIGEST)
    assert_pushed(store)


def test_an_upload_that_lost_bytes_is_forgotten(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """A disk that lies about a sync must not end in a blob with a hole."""
    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT))
    store.driver.write(paths.upload(REPOSITORY, at.id), CONTENT[:-1])
    assert refusal(uploads.finish, store, CONTEXT, at, body(b""), DIGEST) is BLOB_UPLOAD_UNKNOWN
    assert "is lost" in caplog.text
    assert_nothing_pushed(store)
    assert_nothing_left(store)


def test_a_cancelled_upload_is_gone(store: Store) -> None:
    """Row and folder go, and a second time there is nothing to cancel."""
    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT))
    uploads.cancel(store, REPOSITORY, at.id)
    assert_nothing_left(store)
    assert refusal(uploads.cancel, store, REPOSITORY, at.id) is BLOB_UPLOAD_UNKNOWN
    assert refusal(uploads.append, store, at, body(b"x")) is BLOB_UPLOAD_UNKNOWN


def test_a_file_that_cannot_be_removed_does_not_undo_a_push(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is committed is answered; the rest is said in the log and purged later."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT))
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(type(store.driver), "delete", refuse)
        uploads.finish(store, CONTEXT, at, body(b""), DIGEST)
    assert "stay until they are purged" in caplog.text
    assert blobs.find_blob(REPOSITORY, DIGEST) == len(CONTENT)


@pytest.mark.parametrize("content", [CONTENT, b"wrong"])
def test_a_blob_stored_in_one_call_leaves_no_upload(store: Store, content: bytes) -> None:
    """Neither when it succeeds nor when it fails."""
    if content == CONTENT:
        uploads.store_blob(store, CONTEXT, REPOSITORY, body(content), DIGEST)
        assert_pushed(store)
        return
    assert refusal(uploads.store_blob, store, CONTEXT, REPOSITORY, body(content), DIGEST) is DIGEST_INVALID
    short = body(CONTENT[:10], len(CONTENT))
    assert refusal(uploads.store_blob, store, CONTEXT, REPOSITORY, short, DIGEST) is SIZE_INVALID
    assert_nothing_pushed(store)
    assert_nothing_left(store)


def test_progress_is_a_value() -> None:
    """Two looks at the same upload are equal."""
    begun = progress.new_progress(REPOSITORY)
    assert begun == Progress(begun.id, REPOSITORY, 0, begun.started_at)

"""The rules of uploads (reference B.9, E.2): chunks, ends, and what is left when something goes wrong."""

import io
import logging
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from django.db import connection

from registryhub.oci.digests import Digest, digest_of
from registryhub.oci.errors import (
    BLOB_UPLOAD_UNKNOWN,
    DIGEST_INVALID,
    SIZE_INVALID,
    UNAVAILABLE,
    ErrorCode,
    OciError,
)
from registryhub.registry import announce, blobs, holds, links, progress, uploads
from registryhub.registry.ingest import Incoming
from registryhub.registry.models import Blob, BlobLink, Upload
from registryhub.registry.progress import Progress, WrongOffset
from registryhub.registry.room import Store
from registryhub.storage import paths
from registryhub.storage.memory import MemoryDriver
from tests.registry.stage import CONTEXT, stored_events
from tests.registry.stores import KINDS, body, leftovers, store_in, stored

pytestmark = pytest.mark.django_db(transaction=True)

REPOSITORY = "library/app"
CONTENT = bytes(range(256)) * 20
DIGEST = digest_of(CONTENT)


class Killed(BaseException):
    """The process dies here."""


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return store_in(tmp_path, request.param)


@pytest.fixture
def other_process() -> Callable[[], None]:
    """Forget what this process knows besides the rows and the files, as if the next request came to another one."""

    def forget() -> None:
        uploads._running = type(uploads._running)(1000)

    return forget


def push(store: Store, content: bytes = CONTENT, *, repository: str = REPOSITORY) -> None:
    """A blob as docker sends it: POST, PATCH, an empty PUT."""
    at = uploads.append(store, uploads.start(store, repository), body(content))
    uploads.finish(store, CONTEXT, at, body(b""), digest_of(content))


def refusal(act: Callable[..., object], *arguments: object) -> ErrorCode:
    with pytest.raises(OciError) as caught:
        act(*arguments)
    return caught.value.code


def assert_pushed(store: Store, content: bytes = CONTENT, digest: Digest | None = None) -> None:
    """The blob is in its place, linked, announced once, and nothing is left of the upload."""
    digest = digest or digest_of(content)
    assert stored(store, digest) == content
    assert blobs.find_blob(REPOSITORY, digest) == len(content)
    (event,) = stored_events()
    assert (event.action, event.repository, event.digest, event.size) == ("push", REPOSITORY, str(digest), len(content))
    assert_nothing_left(store)


def assert_nothing_left(store: Store) -> None:
    assert not Upload.objects.exists()
    assert leftovers(store, REPOSITORY) == []


def assert_nothing_pushed(store: Store) -> None:
    """No half-written blob, row or event."""
    assert not Blob.objects.exists()
    assert not BlobLink.objects.exists()
    assert stored_events() == []
    assert stored(store, DIGEST) is None


def test_a_new_upload_is_empty_and_says_when_it_began(store: Store) -> None:
    """Its row and its folder exist, with `startedat` as the reference writes it."""
    begun = uploads.start(store, REPOSITORY)
    assert begun.offset == 0
    assert uploads.find_upload(REPOSITORY, begun.id) == begun
    with closing(store.driver.open_reader(paths.upload_started_at(REPOSITORY, begun.id))) as reader:
        assert b"".join(reader) == begun.started_at.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    assert store.driver.size(paths.upload_data(REPOSITORY, begun.id)) == 0


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


def test_an_empty_end_reads_nothing_again(
    store: Store, other_process: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The digest of all bytes is known from the last chunk, in whatever process the end lands."""
    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT[:9]))
    at = uploads.append(store, at, body(CONTENT[9:]))
    other_process()

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the bytes were read again")

    with monkeypatch.context() as patch:
        patch.setattr(type(store.driver), "open_reader", refuse)
        uploads.finish(store, CONTEXT, at, body(b""), DIGEST)
    assert_pushed(store)


@pytest.mark.parametrize("last", [b"", CONTENT[2000:]])
def test_an_upload_may_change_its_process(store: Store, other_process: Callable[[], None], last: bytes) -> None:
    """Whatever was only in the memory of one process is found again from the bytes."""
    at = uploads.start(store, REPOSITORY)
    whole = CONTENT[: len(CONTENT) - len(last)]
    for start in range(0, len(whole), 1000):
        at = uploads.append(store, at, body(whole[start : start + 1000]))
        other_process()
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
    assert store.driver.size(paths.upload_data(REPOSITORY, begun.id)) == 0


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
    with store.driver.open_appender(paths.upload_data(REPOSITORY, at.id)) as appender:
        appender.start_at(100)
        appender.write(b"torn")
    uploads.finish(store, CONTEXT, at, body(CONTENT[100:]), DIGEST)
    assert_pushed(store)


def test_an_upload_that_lost_bytes_is_forgotten(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """A disk that lies about a sync must not end in a blob with a hole."""
    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT))
    store.driver.write(paths.upload_data(REPOSITORY, at.id), CONTENT[:-1])
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
    appender = store.driver.open_appender(paths.upload_data(REPOSITORY, at.id))
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
    other_process: Callable[[], None],
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
    other_process()
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
        store.driver.delete(paths.upload_data(REPOSITORY, at.id))
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


def test_a_full_storage_gives_the_room_back(tmp_path: Path) -> None:
    """Nothing of the chunk is kept; when there is room again the same request succeeds."""
    driver = MemoryDriver(capacity=1000)
    store = Store(driver, tmp_path, 0)
    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT[:500]))
    with pytest.raises(OciError, match="insufficient storage") as caught:
        uploads.finish(store, CONTEXT, at, body(CONTENT[500:], None), DIGEST)
    assert caught.value.code is UNAVAILABLE
    assert uploads.find_upload(REPOSITORY, at.id) == at
    assert driver.size(paths.upload_data(REPOSITORY, at.id)) == 500
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
    assert driver.size(paths.upload_data(REPOSITORY, begun.id)) == 0


def test_a_folder_that_cannot_be_removed_does_not_undo_a_push(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is committed is answered; the rest is said in the log and purged later."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    at = uploads.append(store, uploads.start(store, REPOSITORY), body(CONTENT))
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(type(store.driver), "delete", refuse)
        uploads.finish(store, CONTEXT, at, body(b""), DIGEST)
    assert "stays until it is purged" in caplog.text
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


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=False).returncode != 0:
        pytest.skip("only the superuser may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_real_disk_that_is_full(small_disk: Path) -> None:
    """503, nothing half-written, and the disk is as free as before."""
    store = store_in(small_disk, "filesystem")
    free = store.driver.free_bytes()
    assert free is not None
    begun = uploads.start(store, REPOSITORY)
    for promised in (2 << 20, None):
        assert refusal(uploads.append, store, begun, body(b"x" * (2 << 20), promised)) is (UNAVAILABLE)
    assert uploads.find_upload(REPOSITORY, begun.id).offset == 0
    assert store.driver.size(paths.upload_data(REPOSITORY, begun.id)) == 0
    uploads.finish(store, CONTEXT, begun, body(CONTENT), DIGEST)
    assert_pushed(store)


def test_progress_is_a_value() -> None:
    """Two looks at the same upload are equal."""
    begun = progress.new_progress(REPOSITORY)
    assert begun == Progress(begun.id, REPOSITORY, 0, begun.started_at)

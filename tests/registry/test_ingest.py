"""Bodies on their way into the driver."""

import io
import threading
from uuid import uuid4

import pytest

from registryhub.oci.digests import Hasher, digest_of
from registryhub.registry.ingest import LONG_BYTES, Incoming, RunningHashers, receive
from registryhub.storage.base import CHUNK_BYTES, StorageFull
from registryhub.storage.memory import MemoryDriver


@pytest.mark.parametrize("promised", [None, 0, 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 5])
@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, 3 * CHUNK_BYTES + 5])
def test_at_most_what_was_promised_is_taken(size: int, promised: int | None) -> None:
    """All that came up to there is stored and hashed, in chunks of a bounded size."""
    content = bytes(range(251)) * (size // 251 + 1)
    content = content[:size]
    driver = MemoryDriver()
    driver.write("file", b"")
    hasher = Hasher()
    with driver.open_appender("file") as appender:
        count = receive(Incoming(io.BytesIO(content), promised), appender, hasher, lambda: None)
    expected = content if promised is None else content[:promised]
    assert count == len(expected)
    assert hasher.digest() == digest_of(expected)
    with driver.open_appender("file") as appender:
        assert appender.size == len(expected)


@pytest.mark.parametrize("size", [LONG_BYTES - 1, LONG_BYTES, LONG_BYTES + 1, 3 * LONG_BYTES + 5])
def test_a_long_body_is_hashed_to_its_end(size: int) -> None:
    """Also where a thread of its own takes over, and when it has more to do than the writer."""
    content = bytes(range(251)) * (size // 251 + 1)
    driver = MemoryDriver()
    driver.write("file", b"")
    hasher = Hasher("sha512")
    with driver.open_appender("file") as appender:
        receive(Incoming(io.BytesIO(content), size), appender, hasher, lambda: None)
    assert (hasher.size, hasher.digest()) == (size, digest_of(content[:size], "sha512"))


def test_a_long_body_that_cannot_be_stored_leaves_no_thread() -> None:
    """A full disk ends the hashing too."""
    driver = MemoryDriver(capacity=2 * LONG_BYTES)
    driver.write("file", b"")
    before = threading.active_count()
    with driver.open_appender("file") as appender, pytest.raises(StorageFull):
        receive(Incoming(io.BytesIO(b"x" * (3 * LONG_BYTES)), None), appender, Hasher(), lambda: None)
    assert threading.active_count() == before


def test_running_hashers_are_given_once_and_only_at_their_place() -> None:
    """Whoever takes one owns it; one that stands elsewhere is of no use and dropped."""
    running = RunningHashers(2)
    ids = [uuid4() for _ in range(3)]
    hasher = Hasher()
    hasher.update(b"four")
    running.keep(ids[0], hasher)
    assert running.take(ids[1], 4) is None
    assert running.take(ids[0], 4) is hasher
    assert running.take(ids[0], 4) is None
    running.keep(ids[0], hasher)
    assert running.take(ids[0], 3) is None
    for id_ in ids:
        running.keep(id_, hasher)
    assert running.take(ids[0], 4) is None
    assert running.take(ids[2], 4) is hasher

"""Bodies on their way into the driver."""

import io
from uuid import uuid4

import pytest

from registryhub.oci.digests import Hasher, digest_of
from registryhub.registry.ingest import Incoming, RunningHashers, receive
from registryhub.storage.base import CHUNK_BYTES
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

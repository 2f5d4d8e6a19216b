"""What every driver does (registryhub/storage/base.py)."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from registryhub.storage.base import (
    CHUNK_BYTES,
    PathNotFound,
    StorageBusy,
    StorageDamaged,
    StorageDriver,
    StorageError,
)


def content(driver: StorageDriver, path: str, *, start: int = 0, length: int | None = None) -> bytes:
    reader = driver.open_reader(path, start=start, length=length)
    try:
        return b"".join(reader)
    finally:
        reader.close()


@pytest.mark.parametrize("is_durable", [True, False])
def test_what_is_written_is_read_back(driver: StorageDriver, is_durable: bool) -> None:
    """Folders are made as needed, and a second write takes the place of the first."""
    driver.write("a/b/c", b"first", is_durable=is_durable)
    assert content(driver, "a/b/c") == b"first"
    driver.write("a/b/c", b"", is_durable=is_durable)
    assert content(driver, "a/b/c") == b""
    assert driver.size("a/b/c") == 0
    assert driver.names("a/b") == ["c"]


def test_a_file_tells_when_it_was_written(driver: StorageDriver) -> None:
    """In UTC, also after it has been moved."""
    before = datetime.now(UTC) - timedelta(seconds=2)
    driver.write("file", b"1")
    driver.move("file", "elsewhere")
    assert before < driver.modified_at("elsewhere") < before + timedelta(seconds=60)
    with pytest.raises(PathNotFound):
        driver.modified_at("file")


def test_everything_is_synced_at_once(driver: StorageDriver) -> None:
    """What was written quickly is as safe then as what was written with care; nothing about it changes."""
    driver.write("a/file", b"1", is_durable=False)
    driver.sync()
    assert content(driver, "a/file") == b"1"


def test_a_part_is_read(driver: StorageDriver) -> None:
    """A reader starts and ends where it is told, and knows the size of the whole."""
    driver.write("file", b"0123456789")
    assert content(driver, "file", start=3) == b"3456789"
    assert content(driver, "file", start=3, length=2) == b"34"
    assert content(driver, "file", start=10) == b""
    assert content(driver, "file", length=0) == b""
    reader = driver.open_reader("file", start=9)
    assert reader.size == 10
    reader.close()
    reader.close()


def test_a_large_file_comes_in_chunks(driver: StorageDriver) -> None:
    """No chunk is larger than the stated size, so memory stays bounded."""
    whole = bytes(range(256)) * (CHUNK_BYTES // 100)
    driver.write("file", whole)
    reader = driver.open_reader("file")
    chunks = list(reader)
    reader.close()
    assert max(map(len, chunks)) <= CHUNK_BYTES
    assert b"".join(chunks) == whole


def test_a_file_that_ends_early_is_damaged(driver: StorageDriver) -> None:
    """A reader never passes less than was asked for as if it were all."""
    driver.write("file", b"short")
    with pytest.raises(StorageDamaged):
        content(driver, "file", length=6)


def test_an_append_goes_on_where_the_last_one_ended(driver: StorageDriver) -> None:
    """Several appends build one file."""
    driver.write("file", b"")
    for offset, chunk in ((0, b"one"), (3, b"two"), (6, b"")):
        with driver.open_appender("file") as appender:
            assert appender.size == offset
            appender.start_at(offset)
            appender.write(chunk)
            appender.sync()
    assert content(driver, "file") == b"onetwo"


def test_an_append_cuts_off_what_was_not_recorded(driver: StorageDriver) -> None:
    """Bytes that a crash left behind the expected offset are gone, also when nothing new follows."""
    driver.write("file", b"kept, and a torn tail")
    with driver.open_appender("file") as appender:
        appender.start_at(4)
    assert content(driver, "file") == b"kept"
    with driver.open_appender("file") as appender:
        appender.start_at(2)
        appender.write(b"pt!")
    assert content(driver, "file") == b"kept!"


def test_an_append_refuses_a_file_that_lost_bytes(driver: StorageDriver) -> None:
    """A hole is never filled with zeros."""
    driver.write("file", b"four")
    with driver.open_appender("file") as appender, pytest.raises(StorageDamaged):
        appender.start_at(5)
    assert content(driver, "file") == b"four"


def test_a_file_has_one_appender_at_a_time(driver: StorageDriver) -> None:
    """The second is refused, from this thread or another; after closing it is welcome."""
    driver.write("file", b"")
    refused: list[StorageError] = []

    def append() -> None:
        try:
            driver.open_appender("file").close()
        except StorageError as error:
            refused.append(error)

    with driver.open_appender("file"):
        append()
        thread = threading.Thread(target=append)
        thread.start()
        thread.join()
    assert [type(error) for error in refused] == [StorageBusy, StorageBusy]
    append()
    assert len(refused) == 2


def test_an_appender_that_failed_to_open_holds_nothing(driver: StorageDriver) -> None:
    """Being refused does not lock the file."""
    driver.write("file", b"")
    with driver.open_appender("file"), pytest.raises(StorageBusy):
        driver.open_appender("file")
    driver.open_appender("file").close()


def test_a_move_takes_the_file_away_whole(driver: StorageDriver) -> None:
    """The source is gone, the target is made with its folders, or replaced."""
    driver.write("from/file", b"new")
    driver.write("to/old", b"old")
    driver.move("from/file", "to/old")
    assert content(driver, "to/old") == b"new"
    with pytest.raises(PathNotFound):
        driver.size("from/file")
    driver.move("to/old", "far/away/file")
    assert content(driver, "far/away/file") == b"new"


def test_a_reader_outlives_a_move_and_a_delete(driver: StorageDriver) -> None:
    """A download that has begun ends well, whatever happens to the file's name."""
    whole = b"x" * (2 * CHUNK_BYTES)
    driver.write("file", whole)
    reader = driver.open_reader("file")
    chunks = iter(reader)
    read = next(chunks)
    driver.move("file", "elsewhere")
    driver.delete("elsewhere")
    assert read + b"".join(chunks) == whole
    reader.close()


def test_a_delete_takes_a_file_or_a_whole_folder(driver: StorageDriver) -> None:
    """Neighbours with a name that begins alike stay."""
    for path in ("a/b/one", "a/b/two/deep", "a/bc"):
        driver.write(path, b"x")
    driver.delete("a/b/one")
    assert driver.names("a/b") == ["two"]
    driver.delete("a/b")
    assert driver.names("a") == ["bc"]
    assert content(driver, "a/bc") == b"x"


def test_names_are_sorted_and_only_those_directly_inside(driver: StorageDriver) -> None:
    """Listing does not go deeper."""
    for path in ("f/b", "f/a/x", "f/a/y", "f/c/d/e"):
        driver.write(path, b"")
    assert driver.names("f") == ["a", "b", "c"]


def test_what_is_missing_is_said_to_be_missing(driver: StorageDriver) -> None:
    """Every verb answers PathNotFound for a path that nothing is stored at, also below a file."""
    driver.write("file", b"")
    for path in ("nothing", "no/thing", "file/below"):
        with pytest.raises(PathNotFound):
            driver.size(path)
        with pytest.raises(PathNotFound):
            driver.open_reader(path)
        with pytest.raises(PathNotFound):
            driver.open_appender(path)
        with pytest.raises(PathNotFound):
            driver.move(path, "target/file")
        with pytest.raises(PathNotFound):
            driver.delete(path)
        with pytest.raises(PathNotFound):
            driver.names(path)


def test_free_room_is_told_before_anything_is_stored(driver: StorageDriver) -> None:
    """A number of bytes, or None for a driver that knows no bound."""
    free = driver.free_bytes()
    assert free is None or free > 0

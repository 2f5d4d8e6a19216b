"""What only the filesystem driver does: locks between processes, full disks, permissions, synced folders."""

import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from registryhub.storage.base import StorageBusy, StorageFull
from registryhub.storage.filesystem import FilesystemDriver

HOLD = """
import sys
from pathlib import Path
from registryhub.storage.filesystem import FilesystemDriver
appender = FilesystemDriver(Path(sys.argv[1])).open_appender("file")
appender.start_at(4)
appender.write(b"torn")
print("held", flush=True)
sys.stdin.read()
"""


def test_the_lock_holds_between_processes_and_ends_with_one(tmp_path: Path) -> None:
    """Another process's append is refused; after kill -9 the next one cuts off what the dead one left."""
    driver = FilesystemDriver(tmp_path)
    driver.write("file", b"kept")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(StorageBusy):
            driver.open_appender("file")
        other.kill()
    with driver.open_appender("file") as appender:
        assert appender.size == 8
        appender.start_at(4)
    assert (tmp_path / "file").read_bytes() == b"kept"


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither half a file nor its temporary name stays."""

    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    driver = FilesystemDriver(tmp_path)
    for verb, is_durable in (("rename", True), ("fsync", True), ("write", False)):
        with monkeypatch.context() as patch:
            patch.setattr(os, verb, refuse)
            with pytest.raises(OSError, match="Input/output"):
                driver.write("folder/file", b"content", is_durable=is_durable)
        assert driver.names("folder") == []


def test_only_who_keeps_taking_gets_large_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred downloads that crawl would hold the memory of as many large chunks."""
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    driver = FilesystemDriver(tmp_path)
    with (tmp_path / "file").open("wb") as file:
        file.truncate(32 << 20)
    with closing(driver.open_reader("file")) as reader:
        sizes = []
        for chunk in reader:
            sizes.append(len(chunk))
            now += 0.001 if len(sizes) != 100 else 1.0
    assert sum(sizes) == 32 << 20
    small, large = sizes[0], max(sizes)
    assert small < large
    assert sum(size for size in sizes[: sizes.index(large)]) >= 8 << 20
    assert sizes[99] == large
    assert sizes[100] == small
    assert sizes[-2] == large


def test_a_delete_follows_no_link(tmp_path: Path) -> None:
    """An operator's link into another place is removed, not what it leads to."""
    driver = FilesystemDriver(tmp_path / "root")
    driver.write("folder/file", b"")
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_bytes(b"kept")
    (tmp_path / "root/folder/link").symlink_to(kept)
    driver.delete("folder")
    assert not (tmp_path / "root/folder").exists()
    assert (kept / "file").read_bytes() == b"kept"


def test_a_move_into_a_folder_that_is_just_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A collection removes the folder between its making and the move: it is made once more."""
    driver = FilesystemDriver(tmp_path)
    driver.write("from", b"content")
    real, calls = os.mkdir, []

    def make_and_lose(path: str) -> None:
        real(path)
        calls.append(path)
        if len(calls) < 3:
            os.rmdir(path)

    monkeypatch.setattr(os, "mkdir", make_and_lose)
    driver.move("from", "blobs/data")
    assert (tmp_path / "blobs/data").read_bytes() == b"content"
    assert len(calls) == 3


def test_what_comes_into_a_folder_while_it_is_removed_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A push puts its bytes where a collection just took those of old."""
    driver = FilesystemDriver(tmp_path)
    driver.write("blob/data", b"old")
    unlink = os.unlink

    def unlink_and_push(path: str) -> None:
        unlink(path)
        (tmp_path / "blob/data").write_bytes(b"new")

    monkeypatch.setattr(os, "unlink", unlink_and_push)
    driver.delete("blob")
    assert (tmp_path / "blob/data").read_bytes() == b"new"


def test_files_and_folders_obey_the_umask(tmp_path: Path) -> None:
    """0666 and 0777 minus the umask, as in Distribution, so that an operator's group may read."""
    before = os.umask(0o027)
    try:
        FilesystemDriver(tmp_path / "root").write("folder/file", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "root/folder").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "root/folder/file").stat().st_mode & 0o777 == 0o640


def test_a_move_syncs_the_new_names_up_to_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder that got a new entry is synced; the upper ones only once."""
    synced: list[int] = []
    sync = os.fsync

    def record(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        sync(descriptor)

    driver = FilesystemDriver(tmp_path / "root")
    driver.write("up/one", b"1", is_durable=False)
    driver.write("up/two", b"2", is_durable=False)
    monkeypatch.setattr(os, "fsync", record)
    driver.move("up/one", "blobs/sha256/ab/abc/data")
    first, synced[:] = list(synced), []
    driver.move("up/two", "blobs/sha256/ab/abd/data")
    folders = [tmp_path / "root" / part for part in ("blobs/sha256/ab/abc", "blobs/sha256/ab", "blobs/sha256", "blobs")]
    assert [folder.stat().st_ino for folder in (*folders, tmp_path / "root", tmp_path)] == first[:6]
    assert synced == [(tmp_path / "root/blobs/sha256/ab/abd").stat().st_ino, folders[1].stat().st_ino]


def test_a_full_disk_is_told_from_other_errors(small_disk: Path) -> None:
    """Appending and writing raise StorageFull; what was synced before stays, and room comes back by cutting."""
    driver = FilesystemDriver(small_disk / "root")
    assert driver.free_bytes() == 1 << 20
    driver.write("file", b"kept")
    with driver.open_appender("file") as appender:
        appender.start_at(4)
        with pytest.raises(StorageFull):
            appender.write(b"x" * (2 << 20))
        assert driver.free_bytes() == 0
        with pytest.raises(StorageFull):
            driver.write("other", b"x" * 10_000)
        appender.start_at(4)
    assert (small_disk / "root/file").read_bytes() == b"kept"
    assert driver.names("") == ["file"]

import errno
import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from notifications.log import journal as journal_module
from notifications.log import segments
from notifications.log.journal import SEGMENT_BYTES, Journal, JournalUnavailable, Policy, pause_seconds
from notifications.log.segments import claim_orphan
from tests.servers.server import wait_until

Opened = Callable[..., Journal]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Opens journals in a folder, and closes them."""
    journals: list[Journal] = []

    def open_(fsync: Policy = "interval", folder: Path = tmp_path / "journal") -> Journal:
        journals.append(Journal(folder, fsync=fsync, interval_seconds=0.05))
        return journals[-1]

    yield open_
    for journal in journals:
        journal.close()


def names(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.journal"))


def content(folder: Path) -> list[bytes]:
    return [line for path in names(folder) for line in path.read_bytes().splitlines()]


def is_alive(path: Path) -> bool:
    """Whether a process holds the segment."""
    descriptor = claim_orphan(path)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is None


@pytest.mark.parametrize("fsync", ["never", "interval", "always"])
def test_what_was_appended_is_in_a_file_at_once(opened: Opened, tmp_path: Path, fsync: Policy) -> None:
    """Whatever the policy: a process that is killed in the next moment has lost nothing."""
    journal = opened(fsync)
    for number in range(100):
        journal.append(b'{"n":%d}' % number)
    assert content(tmp_path / "journal") == [b'{"n":%d}' % number for number in range(100)]


def test_a_journal_that_is_never_used_makes_nothing(opened: Opened, tmp_path: Path) -> None:
    """No folder, no file, no thread."""
    before = threading.active_count()
    opened().close()
    assert not (tmp_path / "journal").exists()
    assert threading.active_count() == before


def test_a_living_owner_holds_its_segment(opened: Opened, tmp_path: Path) -> None:
    """The shipper cannot take it before it is finished."""
    journal = opened()
    journal.append(b"{}")
    (path,) = names(tmp_path / "journal")
    assert is_alive(path)
    journal.close()
    assert not is_alive(path)
    assert path.read_bytes() == b"{}\n"


def test_a_segment_is_finished_after_a_while(opened: Opened, tmp_path: Path) -> None:
    """So that a pull is counted within a second, and an idle journal keeps one empty segment."""
    journal = opened()
    journal.append(b"{}")
    (first,) = names(tmp_path / "journal")
    assert wait_until(lambda: not is_alive(first), 10)
    assert first.read_bytes() == b"{}\n"
    (second,) = set(names(tmp_path / "journal")) - {first}
    assert is_alive(second)
    assert second.stat().st_size == 0
    journal.close()
    assert names(tmp_path / "journal") == [first]


def test_a_full_segment_is_finished_at_once(opened: Opened, tmp_path: Path) -> None:
    """Many small segments rather than one that grows for half a second."""
    journal = opened("never")
    line = b"x" * (SEGMENT_BYTES // 8)
    for _ in range(9):
        journal.append(line)
    assert wait_until(lambda: len([path for path in names(tmp_path / "journal") if not is_alive(path)]) == 1, 10)


def test_many_threads_append_whole_lines(opened: Opened, tmp_path: Path) -> None:
    """While segments are finished under them."""
    journal = opened()

    def write(thread: int) -> None:
        for number in range(2000):
            journal.append(b'{"thread":%d,"n":%d,"pad":"%b"}' % (thread, number, b"x" * 300))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    found = content(tmp_path / "journal")
    assert len(found) == len(set(found)) == 16_000
    assert len(names(tmp_path / "journal")) > 1
    for thread_number in range(8):
        own = [line for line in found if line.startswith(b'{"thread":%d,' % thread_number)]
        assert own == [
            b'{"thread":%d,"n":%d,"pad":"%b"}' % (thread_number, number, b"x" * 300) for number in range(2000)
        ]


def test_a_line_break_in_an_event_is_refused(opened: Opened, tmp_path: Path) -> None:
    """It would be two events, both unreadable."""
    journal = opened()
    with pytest.raises(ValueError, match="line break"):
        journal.append(b"{\n}")
    assert not (tmp_path / "journal").exists()


def test_a_closed_journal_opens_again(opened: Opened, tmp_path: Path) -> None:
    """Closing finishes the segment and no more."""
    journal = opened()
    journal.append(b"1")
    journal.close()
    journal.close()
    journal.append(b"2")
    journal.close()
    assert content(tmp_path / "journal") == [b"1", b"2"]
    assert len(names(tmp_path / "journal")) == 2


def test_a_clock_that_jumps_changes_nothing(opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of segments are unique at one and the same moment, and ages are not read from the clock."""
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    journal, other = opened(), opened()
    for number in range(3):
        journal.append(b"a%d" % number)
        other.append(b"b%d" % number)
        journal.close()
    other.close()
    assert sorted(content(tmp_path / "journal")) == [b"a0", b"a1", b"a2", b"b0", b"b1", b"b2"]


def test_an_owner_whose_new_file_was_taken_for_an_orphan_makes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between creating and locking it the shipper may have removed the empty file."""
    lock = fcntl.flock
    taken: list[Path] = []

    def be_quicker(descriptor: int, operation: int) -> None:
        if not taken:
            taken.extend(names(tmp_path))
            taken[0].unlink()
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", be_quicker)
    segment = segments.create_segment(tmp_path)
    segment.append(b"{}\n", sync=False)
    assert names(tmp_path) == [segment.path] != taken
    segment.close()
    assert content(tmp_path) == [b"{}"]


def test_a_forked_child_writes_to_its_own_segment(opened: Opened, tmp_path: Path) -> None:
    """And neither ends nor prolongs what its parent holds."""
    journal = opened("never")
    journal.append(b"parent")
    (parents,) = names(tmp_path / "journal")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            journal.append(b"child")
            os.read(read, 1)  # lives on, as a sibling would
            status = 0
        finally:
            os._exit(status)
    assert wait_until(lambda: len(names(tmp_path / "journal")) == 2, 10)
    assert is_alive(parents)
    journal.close()
    assert not is_alive(parents)
    os.write(write, b"x")
    assert os.waitpid(child, 0)[1] == 0
    os.close(read)
    os.close(write)
    assert sorted(content(tmp_path / "journal")) == [b"child", b"parent"]


def test_a_killed_process_leaves_an_orphan_with_all_it_wrote(tmp_path: Path) -> None:
    """kill -9 in the middle of appending: every line that was acknowledged is there, whole."""
    program = textwrap.dedent(
        """
        import os, sys
        from pathlib import Path
        from notifications.log.journal import Journal

        journal = Journal(Path(sys.argv[1]), fsync="interval", interval_seconds=0.05)
        number = 0
        while True:
            journal.append(b'{"n":%d}' % number)
            os.write(1, b"%d\\n" % number)
            number += 1
        """
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, env=os.environ)
    assert child.stdout is not None
    acknowledged = [child.stdout.readline() for _ in range(5000)]
    child.kill()
    acknowledged += child.stdout.read().splitlines(keepends=True)
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    whole = [line for line in acknowledged if line.endswith(b"\n")]
    found = content(tmp_path)
    assert not any(is_alive(path) for path in names(tmp_path))
    assert set(found) >= {b'{"n":%d}' % int(line) for line in whole}
    assert len(found) == len(set(found)) <= len(acknowledged) + 1


@contextmanager
def full_disk(folder: Path) -> Iterator[Path]:
    """A file system of 256 KiB when root, or no file larger than that for this process."""
    folder.mkdir()
    if os.geteuid() == 0:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], check=False)
        if mounted.returncode == 0:
            try:
                yield folder
            finally:
                subprocess.run(["umount", str(folder)], check=True)
            return
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 << 10, limits[1]))
    try:
        yield folder
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("fsync", ["never", "always"])
def test_a_full_disk_is_said_and_leaves_nothing_torn(opened: Opened, tmp_path: Path, fsync: Policy) -> None:
    """The append that did not fit left no part of a line; when there is room again the same journal goes on."""
    with full_disk(tmp_path / "small") as folder:
        journal = opened(fsync, folder)
        written = 0
        line = b'{"pad":"%b"}' % (b"x" * 4321)
        with pytest.raises(JournalUnavailable, match="cannot be written"):
            for _ in range(100):
                journal.append(line)
                written += 1
        assert 40 < written < 70
        with pytest.raises(JournalUnavailable):
            journal.append(line)
        assert content(folder) == [line] * written
        assert b"".join(path.read_bytes() for path in names(folder)).endswith(b"\n")
        for path in names(folder):
            if not is_alive(path):
                path.unlink()
        journal.close()
        for path in names(folder):
            path.unlink()
        journal.append(line)
        assert content(folder) == [line]
        journal.close()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_folder_that_cannot_be_written_is_said(opened: Opened, tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "journal").write_text("in the way")
    with pytest.raises(JournalUnavailable, match=str(tmp_path / "journal")):
        opened().append(b"{}")


def test_after_a_failed_sync_nothing_goes_to_that_file_any_more(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel drops what it could not write and calls the next sync good. The event is refused, and gone."""
    journal = opened("always")
    journal.append(b"1")
    sync = os.fdatasync

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "no disk")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(JournalUnavailable, match="no disk"):
        journal.append(b"2")
    monkeypatch.setattr(os, "fdatasync", sync)
    journal.append(b"3")
    assert content(tmp_path / "journal") == [b"1", b"3"]
    assert len(names(tmp_path / "journal")) == 2


def test_a_sync_that_fails_behind_the_back_is_logged(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And the events go to another file from then on."""
    journal = opened("interval")
    journal.append(b"1")

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "no disk")

    monkeypatch.setattr(os, "fdatasync", fail)
    assert wait_until(lambda: "could not be synced" in caplog.text, 10)
    monkeypatch.undo()
    journal.append(b"2")
    journal.close()
    assert content(tmp_path / "journal") == [b"1", b"2"]


def test_the_journal_of_this_process_lies_in_the_data_folder() -> None:
    """One for all threads, by the configured policy."""
    found = journal_module.local_journal()
    assert found is journal_module.local_journal()
    assert found._fsync == "interval"
    assert found._folder.name == "journal"


def test_appends_wait_while_the_shipper_is_behind(opened: Opened, tmp_path: Path) -> None:
    """A little, more the longer a segment waits, and no longer once it is gone."""
    folder = tmp_path / "journal"
    folder.mkdir()
    waiting = folder / "0.journal"
    waiting.write_bytes(b"{}\n")
    os.utime(waiting, (time.time() - 3600,) * 2)
    journal = opened("never")
    journal.append(b"{}")
    assert wait_until(lambda: journal._pause_seconds == 0.005, 10)
    waiting.unlink()
    for path in names(folder):
        if not is_alive(path):
            path.unlink()
    journal.append(b"{}")
    assert wait_until(lambda: journal._pause_seconds == 0, 10)


@pytest.mark.parametrize(
    ("behind_seconds", "pause"), [(-3600.0, 0.0), (0.0, 0.0), (0.25, 0.0), (0.35, 0.0005), (1.25, 0.005), (9e9, 0.005)]
)
def test_a_pause_grows_with_what_waits(behind_seconds: float, pause: float) -> None:
    """Up to 5 ms; a clock that jumps does no harm."""
    assert pause_seconds(behind_seconds) == pytest.approx(pause)


def test_empty_segments_wait_for_nobody(tmp_path: Path) -> None:
    """Nor do other files, nor is there any where the folder is gone."""
    assert segments.waiting_seconds(tmp_path / "gone") == 0
    (tmp_path / "0.journal").touch()
    (tmp_path / "0.other").write_bytes(b"{}\n")
    os.utime(tmp_path / "0.journal", (1, 1))
    assert segments.waiting_seconds(tmp_path) == 0
    (tmp_path / "1.journal").write_bytes(b"{}\n")
    os.utime(tmp_path / "1.journal", (time.time() - 60,) * 2)
    assert 59 < segments.waiting_seconds(tmp_path) < 120

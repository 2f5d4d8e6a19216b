import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import OperationalError, connections

from notifications.log import intake, ship
from notifications.log.journal import Journal
from notifications.log.models import Intake, QuarantinedEvent
from notifications.log.ship import Shipper
from tests.notifications.log.making import lines, logged, pull, sequence_all
from tests.servers.server import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "journal"
    path.mkdir()
    return path


def orphan(folder: Path, name: str, content: bytes) -> Path:
    """A segment whose owner is dead. It is there at once: an empty one would be removed by a shipper at work."""
    path = folder / f"{name}.journal"
    written = folder / f"{name}.written"
    written.write_bytes(content)
    return written.rename(path)


def shipped() -> list[bytes]:
    return [bytes(raw) for raw in Intake.objects.order_by("pk").values_list("raw", flat=True)]


def test_orphans_are_shipped_in_order_and_removed(folder: Path) -> None:
    """One intake row a segment, as it was written."""
    orphan(folder, "2", lines(["c"]))
    orphan(folder, "1", lines(["a", "b"]))
    assert Shipper(folder).ship() == 2
    assert shipped() == [lines(["a", "b"]), lines(["c"])]
    assert list(folder.iterdir()) == []


def test_what_a_living_process_holds_stays(folder: Path) -> None:
    """Until it is finished."""
    journal = Journal(folder, fsync="never", interval_seconds=1)
    journal.append(pull("a"))
    shipper = Shipper(folder)
    assert shipper.ship() == 0
    journal.close()
    assert shipper.ship() == 1
    assert shipped() == [lines(["a"])]


def test_a_torn_tail_is_cut(folder: Path) -> None:
    """Its owner was killed in the middle of a line, before it answered."""
    orphan(folder, "1", lines(["a"]) + pull("b")[:40])
    orphan(folder, "2", pull("c")[:40])
    orphan(folder, "3", b"")
    Shipper(folder).ship()
    assert shipped() == [lines(["a"])]
    assert list(folder.iterdir()) == []


def test_loading_a_segment_twice_does_no_harm(folder: Path) -> None:
    """The shipper died after the commit, before it removed the file."""
    for _ in range(2):
        orphan(folder, "1", lines(["a", "b"]))
        Shipper(folder).ship()
    sequence_all()
    assert logged() == [(1, "a"), (2, "b")]


def test_garbage_reaches_the_quarantine_and_stops_nobody(folder: Path) -> None:
    """A file of zeros, as a loss of power may leave it, and a foreign one."""
    orphan(folder, "1", b"\x00" * 200_000)
    orphan(folder, "2", b"PK\x03\x04\nrubbish\n")
    orphan(folder, "3", lines(["a"]))
    Shipper(folder).ship()
    sequence_all()
    assert logged() == [(1, "a")]
    assert sorted(len(bytes(raw)) for raw in QuarantinedEvent.objects.values_list("raw", flat=True)) == [13, 200_000]


def test_a_file_longer_than_any_segment_comes_in_pieces(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of whole lines; a line longer than a piece goes on its own."""
    monkeypatch.setattr(ship, "PIECE_BYTES", 1000)
    ids = [f"e{number}" for number in range(20)]
    orphan(folder, "1", lines(ids) + b"x" * 5000 + b"\n" + lines(["last"]))
    Shipper(folder).ship()
    assert len(shipped()) > 5
    sequence_all()
    assert [id_ for _, id_ in logged()] == [*ids, "last"]


def test_what_is_no_segment_is_left_alone(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Folders, links, pipes and other names: said once, and nobody waits for them."""
    (folder / "0.journal").mkdir()
    (folder / "1.journal").symlink_to("/etc/passwd")
    os.mkfifo(folder / "2.journal")
    (folder / "README").write_text("not a segment")
    orphan(folder, "3", lines(["a"]))
    shipper = Shipper(folder)
    shipper.ship()
    shipper.ship()
    assert shipped() == [lines(["a"])]
    assert len(list(folder.iterdir())) >= 3
    assert caplog.text.count("0.journal cannot be taken") == 1


def test_a_segment_that_cannot_be_removed_is_not_loaded_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder that became read-only would fill the intake with repetitions."""

    def fail(path: Path) -> None:
        raise PermissionError(f"read-only: {path}")

    monkeypatch.setattr(Path, "unlink", fail)
    orphan(folder, "1", lines(["a"]))
    shipper = Shipper(folder)
    shipper.ship()
    shipper.ship()
    assert shipped() == [lines(["a"])]
    assert "read-only" in caplog.text


@contextmanager
def working(shipper: Shipper) -> Iterator[threading.Thread]:
    """The shipper in a thread, as its process would run it; stopped in the end."""

    def run() -> None:
        try:
            shipper.run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        shipper.stop()
        thread.join()


def test_segments_are_shipped_as_they_are_finished(folder: Path) -> None:
    """While the journal goes on."""
    journal = Journal(folder, fsync="never", interval_seconds=1)
    with working(Shipper(folder)):
        journal.append(pull("a"))
        assert wait_until(lambda: len(shipped()) == 1, 10)
        journal.append(pull("b"))
        assert wait_until(lambda: len(shipped()) == 2, 10)
    journal.close()


def test_a_shipper_that_is_told_to_stop_ships_what_is_there(folder: Path) -> None:
    """A node whose disk goes with it must be able to drain."""
    shipper = Shipper(folder)
    with working(shipper):
        assert wait_until(lambda: is_held(folder), 10)
        orphan(folder, "1", lines(["a"]))
        shipper.stop()
    assert shipped() == [lines(["a"])]


def is_held(folder: Path) -> bool:
    """Whether a shipper works on the folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def test_a_second_shipper_stands_by(folder: Path) -> None:
    """Two would load each segment twice. It takes over when the first has gone."""
    first, second = Shipper(folder), Shipper(folder)
    with working(second):
        with working(first) as thread:
            orphan(folder, "1", lines(["a"]))
            assert wait_until(lambda: len(shipped()) == 1, 10)
        assert not thread.is_alive()
        orphan(folder, "2", lines(["b"]))
        assert wait_until(lambda: len(shipped()) == 2, 10)
    assert shipped() == [lines(["a"]), lines(["b"])]


def test_files_wait_while_the_database_is_away(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost, nothing is loaded twice, and it goes on by itself."""
    away = threading.Event()
    away.set()
    store = intake.store

    def store_or_fail(*, source_id: int, kind: str, raw: bytes) -> None:
        store(source_id=source_id, kind=kind, raw=raw)
        if away.is_set():
            raise OperationalError("no route to host")

    monkeypatch.setattr(intake, "store", store_or_fail)
    orphan(folder, "1", lines(["a"]))
    with working(Shipper(folder)):
        time.sleep(0.3)
        assert shipped() == []
        assert len(list(folder.iterdir())) == 1
        away.clear()
        assert wait_until(lambda: shipped() == [lines(["a"])], 10)
    assert list(folder.iterdir()) == []


def test_a_shipper_does_not_wait_for_ever_for_a_database_that_stays_away(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It says that segments stay, and ends."""

    def fail(**_: object) -> None:
        raise OperationalError("no route to host")

    monkeypatch.setattr(intake, "store", fail)
    monkeypatch.setattr(ship, "DRAIN_SECONDS", 0.3)
    orphan(folder, "1", lines(["a"]))
    with working(Shipper(folder)):
        pass
    assert "stay in" in caplog.text
    assert len(list(folder.iterdir())) == 1


def test_segments_stay_while_much_waits_in_the_intake(folder: Path) -> None:
    """So the folder shows how far behind the log is; what others sent, and pushes, hold up nothing."""
    most = 2 * len(lines(["a0"]))
    for number in range(5):
        orphan(folder, str(number), lines([f"a{number}"]))
    intake.store(source_id=1, kind="event", raw=pull("pushed") * 100)
    shipper = Shipper(folder)
    assert shipper.ship(most_waiting=most) == 2
    assert shipper.ship(most_waiting=most) == 0
    sequence_all()
    assert shipper.ship(most_waiting=most) == 2
    shipper.stop()
    shipper.run()
    assert list(folder.iterdir()) == []
    assert Intake.objects.filter(kind="journal").count() == 3

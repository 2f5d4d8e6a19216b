"""kill -9 at awkward moments: nothing is lost, nothing comes twice."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from notifications.log.models import Consumer, Intake, LogHead
from tests.notifications.log.book import booked, diary
from tests.notifications.log.making import lines, logged, sequence_all, store
from tests.notifications.log.processes import Program, Relay, Ship, end_of_leases
from tests.servers.server import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def empty_folder() -> Iterator[None]:
    """The data folder is the same for all tests of a run."""

    def empty() -> None:
        for path in (settings.DATA_DIR / "journal").glob("*.journal"):
            path.unlink()
        (settings.DATA_DIR / "diary").unlink(missing_ok=True)

    empty()
    yield
    empty()


def is_beyond(position: int) -> Callable[[], bool]:
    return lambda: LogHead.objects.get().position >= position


def is_worked_off(count: int | None = None) -> bool:
    """Whether so many events are numbered and dealt with, and none waits; all that came, where none is said."""
    if Intake.objects.exists():
        return False
    end = LogHead.objects.get().position if count is None else count  # the last one, now that the intake is empty
    return Consumer.objects.filter(name__in=("book", "diary"), position=end).count() == 2


_PATCH = """
from django.db.models import query
from notifications.log import sequence, runners, recent
sequence.SQLITE_BATCH = sequence.POSTGRES_BATCH = 100
"""
MOMENTS = {
    "while it sequences, before the first row": "dying(sequence.leases, 'move', 3)",
    "while it sequences, between events and ids": "dying(sequence, 'insert_rows', 4)",
    "while it sequences, just before the commit": "dying(query.QuerySet, 'delete', 2, after=True)",
    "just after a commit of which it knows nothing yet": "dying(sequence.Sequencer, '_forget', 2)",
    "just after a batch was sequenced": "dying(recent.Recent, 'add', 2)",
    "while a consumer has moved and done nothing": "dying(runners.leases, 'move', 6)",
    "just after a consumer's batch was committed": "dying(runners.Pause, 'reset', 2)",
    "while a stream consumer has moved and not committed": "dying(runners.Feed, 'move', 2, after=True)",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_relay_that_is_killed_leaves_everything_to_the_next(tmp_path: Path, moment: str) -> None:
    """Each event has one number, is counted once, and is delivered at least once."""
    ids = [f"e{number}" for number in range(600)]
    for start in range(0, 600, 50):
        store(*ids[start : start + 50])
    store(*ids[:50])  # what comes again is known, whoever has seen it
    Relay(tmp_path, fault=_PATCH + MOMENTS[moment]).run_until_it_dies()
    end_of_leases()
    with Relay(tmp_path):
        assert wait_until(lambda: is_worked_off(600), 30)
    assert logged() == list(enumerate(ids, start=1))
    assert booked() == ids
    assert diary() == set(range(1, 601))


def test_relays_that_are_killed_again_and_again(tmp_path: Path) -> None:
    """Wherever they happen to be."""
    ids = [f"e{number}" for number in range(4000)]
    for start in range(0, 4000, 50):
        store(*ids[start : start + 50])
        if start % 800 == 750:
            relay = Relay(tmp_path).start()
            assert wait_until(is_beyond(LogHead.objects.get().position + 200), 20, 0.001)
            relay.kill()
            end_of_leases()
    with Relay(tmp_path):
        assert wait_until(lambda: is_worked_off(4000), 30)
    assert logged() == list(enumerate(ids, start=1))
    assert booked() == ids
    assert diary() == set(range(1, 4001))


def test_a_relay_that_is_told_to_stop_gives_its_places_back(tmp_path: Path) -> None:
    """At once, between two transactions; the next one need not wait for leases to run out."""
    store(*(f"e{number}" for number in range(300)))
    relay = Relay(tmp_path).start()
    assert wait_until(lambda: is_worked_off(300), 30)
    assert relay.stop() == 0
    assert LogHead.objects.get().holder == ""
    assert not Consumer.objects.exclude(holder="").exists()


def test_a_second_relay_takes_over_from_a_killed_one(tmp_path: Path) -> None:
    """When the leases of the first have run out, all by itself."""
    store("a")
    first = Relay(tmp_path, name="first").start()
    second = Relay(tmp_path, name="second")
    second.prepare()
    second.launch()
    assert wait_until(lambda: is_worked_off(1), 30)
    first.kill()
    store("b")
    with second:
        assert wait_until(lambda: is_worked_off(2), 30)
        assert f":{second.pid}:" in LogHead.objects.get().holder
    assert booked() == ["a", "b"]


SHIPPING = {
    "before the commit": """
        from notifications.log import intake
        real = intake.store
        def store(**kwargs):
            real(**kwargs)
            die(2)
        intake.store = store
    """,
    "after the commit, before the file is removed": """
        from pathlib import Path
        real = Path.unlink
        def unlink(path, **kwargs):
            if path.suffix == ".journal":
                die(2)
            real(path, **kwargs)
        Path.unlink = unlink
    """,
}


@pytest.mark.parametrize("moment", SHIPPING)
def test_a_shipper_that_is_killed_leaves_everything_to_the_next(tmp_path: Path, moment: str) -> None:
    """A segment is in the intake or in the folder, or in both, and then its events are known."""
    folder = settings.DATA_DIR / "journal"
    folder.mkdir(exist_ok=True)
    for number in range(4):
        (folder / f"{number}.journal").write_bytes(lines([f"{number}a", f"{number}b"]))
    Ship(tmp_path, fault=SHIPPING[moment]).run_until_it_dies()
    with Ship(tmp_path):
        assert wait_until(lambda: not list(folder.glob("*.journal")), 30)
    sequence_all()
    assert sorted(id_ for _, id_ in logged()) == sorted(f"{number}{letter}" for number in range(4) for letter in "ab")


WRITER = """
import os, sys
from notifications.log.journal import local_journal
from tests.notifications.log.making import pull

journal = local_journal()
for number in range(1_000_000):
    journal.append(pull(f"{sys.argv[1]}-{number}"))
    os.write(1, b"%d\\n" % number)
"""


def test_every_pull_that_was_answered_is_logged_once(tmp_path: Path) -> None:
    """Writers, the shipper and the relay run together, and each is killed in the middle of its work.

    A pipe of one page keeps a writer from being ten thousand pulls ahead of what is read here.
    """
    environment = Program("writer", "", tmp_path).environment()
    code = f"import django\ndjango.setup()\n{WRITER}"
    answered: set[str] = set()
    ship, relay = Ship(tmp_path), Relay(tmp_path)
    for number in range(3):
        ship.start()
        relay.start()
        name = f"writer{number}"
        program = [sys.executable, "-c", code, name]
        with subprocess.Popen(program, stdout=subprocess.PIPE, pipesize=4096, env=environment) as writer:
            assert writer.stdout is not None
            told = [writer.stdout.readline() for _ in range(1500)]
            ship.kill()
            relay.kill()
            end_of_leases()
            told += [writer.stdout.readline() for _ in range(500)]
            writer.kill()
            told += writer.stdout.read().splitlines(keepends=True)
        answered |= {f"{name}-{int(line)}" for line in told if line.endswith(b"\n")}
    with ship, relay:
        assert wait_until(lambda: not list((settings.DATA_DIR / "journal").glob("*.journal")), 30)
        assert wait_until(is_worked_off, 60)
    seqs, ids = zip(*logged(), strict=True)
    assert seqs == tuple(range(1, len(seqs) + 1))
    assert len(set(ids)) == len(ids)
    assert answered <= set(ids)
    assert len(ids) <= len(answered) + 3  # each writer may have been killed before it could answer its last pull
    assert booked() == list(ids)
    assert diary() == set(seqs)

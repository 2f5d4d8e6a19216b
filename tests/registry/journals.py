"""A journal of the test's own. Without Django: conftest modules are imported before its settings are placed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from notifications import events, facts
from notifications.facts import Facts
from notifications.log.journal import Journal


@dataclass(frozen=True, slots=True)
class JournalReader:
    """Reads what a journal holds, finished or not."""

    folder: Path

    def lines(self) -> list[bytes]:
        """What goes over the wire."""
        return [wire for wire, _ in self._parts()]

    def events(self) -> list[events.Event]:
        return [events.parse(line) for line in self.lines()]

    def facts(self) -> list[Facts]:
        """What is known besides of each of these events."""
        return [facts.parse(known.decode()) for _, known in self._parts()]

    def told(self) -> list[tuple[str, str, str]]:
        """(action, tag, digest) of each event."""
        return [(event.action, event.tag, event.digest) for event in self.events()]

    def _parts(self) -> Iterator[tuple[bytes, bytes]]:
        for path in sorted(self.folder.glob("*.journal")):
            for line in path.read_bytes().splitlines():
                wire, _, known = line.partition(b"\t")
                yield wire, known


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JournalReader]:
    """The pulls and checks that this test causes."""
    folder = tmp_path / "journal"
    made = Journal(folder, fsync="never", interval_seconds=1.0)
    monkeypatch.setattr("registryhub.registry.announce.local_journal", lambda: made)
    yield JournalReader(folder)
    made.close()

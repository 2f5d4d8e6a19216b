"""Bringing old envelopes in from files."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from notifications.log import intake, leases
from notifications.log.models import ImportedFile, Intake, LogHead, QuarantinedEvent
from notifications.receiver import bringing, files
from notifications.receiver.bringing import bring_in
from notifications.receiver.files import FileRefused
from registryhub.access.models import Source
from tests.notifications.log.making import logged, new_sequencer, sequence_all
from tests.notifications.receiver.posting import envelope, event

pytestmark = pytest.mark.django_db

LIMIT = 1 << 20


@pytest.fixture
def source() -> Source:
    return Source.objects.create(name="edge")


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a file is many."""
    monkeypatch.setattr(files, "PIECE_LINES", 2)


def lines(path: Path, rows: Iterable[Any]) -> Path:
    path.write_bytes(b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows))
    return path


def take(path: Path, source: Source, limit: int = LIMIT) -> int:
    return bring_in(path, source, limit_bytes=limit, report=lambda lines: None).lines


def ids() -> list[str]:
    return [id_ for _, id_ in logged()]


def reasons() -> list[str]:
    return list(QuarantinedEvent.objects.order_by("pk").values_list("reason", flat=True))


def test_lines_are_events_and_envelopes(tmp_path: Path, source: Source) -> None:
    """Mixed as they are, with empty lines in between, in order."""
    path = lines(tmp_path / "old.jsonl", [event("a"), b"", envelope(event("b"), event("c")), [event("d")], event("e")])
    assert take(path, source) == 5
    sequence_all()
    assert ids() == ["a", "b", "c", "d", "e"]
    assert reasons() == []


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_a_file_may_be_one_document(tmp_path: Path, source: Source, indent: int | None) -> None:
    """On one line or on many."""
    path = tmp_path / "old.json"
    path.write_text(json.dumps(envelope(*(event(f"e{n}") for n in range(5))), indent=indent))
    take(path, source)
    sequence_all()
    assert ids() == ["e0", "e1", "e2", "e3", "e4"]


@pytest.mark.parametrize("is_document", [False, True])
def test_files_may_be_packed(tmp_path: Path, source: Source, is_document: bool) -> None:
    """Told by their first bytes, not by their name."""
    path = lines(tmp_path / "old", [event("a"), event("b"), event("c")])
    if is_document:
        path.write_text(json.dumps(envelope(event("a"), event("b"), event("c")), indent=2))
    path.write_bytes(gzip.compress(path.read_bytes()))
    take(path, source)
    sequence_all()
    assert ids() == ["a", "b", "c"]


def test_bad_lines_are_quarantined_and_named(tmp_path: Path, source: Source) -> None:
    """With file and line; what is around them is taken."""
    path = lines(tmp_path / "old.jsonl", [b"nonsense", event("a"), b"", {"id": "x"}, envelope(event("b"), {"id": "y"})])
    take(path, source)
    sequence_all()
    assert ids() == ["a", "b"]
    assert [reason.partition(": ")[0] for reason in reasons()] == [
        "old.jsonl, line 1",
        "old.jsonl, line 4",
        "old.jsonl, line 5",
    ]
    assert bytes(QuarantinedEvent.objects.order_by("pk")[0].raw) == b"nonsense"


def test_bad_events_of_a_document_are_named_by_their_number(tmp_path: Path, source: Source) -> None:
    """A document has no lines that anybody would look for."""
    path = tmp_path / "old.json"
    path.write_text(json.dumps(envelope(event("a"), event("b"), {"id": "x"}), indent=2))
    take(path, source)
    sequence_all()
    assert ids() == ["a", "b"]
    assert reasons()[0].startswith("old.json, event 3: ")


def test_twice_does_nothing(tmp_path: Path, source: Source) -> None:
    """Not even bad lines come twice; also under another name. For another source it is another file."""
    path = lines(tmp_path / "old.jsonl", [event("a"), b"nonsense", event("b")])
    assert take(path, source) == 3
    sequence_all()
    assert take(path.rename(tmp_path / "again"), source) == 0
    assert not Intake.objects.exists()
    assert take(tmp_path / "again", Source.objects.create(name="other")) == 3


def test_a_file_that_has_grown_brings_what_is_new(tmp_path: Path, source: Source) -> None:
    """It is another file then, whose old events are known."""
    path = lines(tmp_path / "old.jsonl", [event("a"), event("b")])
    take(path, source)
    sequence_all()
    lines(path, [event("a"), event("b"), event("c")])
    take(path, source)
    sequence_all()
    assert ids() == ["a", "b", "c"]


@pytest.mark.parametrize("after", [1, 2, 3])
def test_it_goes_on_where_it_was_interrupted(
    tmp_path: Path, source: Source, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At whichever piece: the mark moves with the row."""
    path = lines(tmp_path / "old.jsonl", [event(f"e{n}") if n % 2 else b"bad" for n in range(7)])
    store, calls = intake.store, iter(range(after))

    def die(**row: Any) -> None:
        if next(calls, None) is None:
            raise KeyboardInterrupt
        store(**row)

    monkeypatch.setattr(intake, "store", die)
    with pytest.raises(KeyboardInterrupt):
        take(path, source)
    monkeypatch.undo()
    assert ImportedFile.objects.get().lines == 2 * after
    assert take(path, source) == 7 - 2 * after
    sequence_all()
    assert ids() == ["e1", "e3", "e5"]
    assert len(reasons()) == 4


def test_two_at_once_do_not_mix(tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one that comes to a piece is told."""
    path = lines(tmp_path / "old.jsonl", [event("a")])
    monkeypatch.setattr(bringing, "_wait_for_room", lambda: ImportedFile.objects.update(lines=1))
    with pytest.raises(FileRefused, match="another process"):
        take(path, source)
    assert not Intake.objects.exists()


def test_what_comes_before_a_break_is_taken(tmp_path: Path, source: Source) -> None:
    """A packed file that was cut short, and a line that is too long, are told by their number."""
    path = tmp_path / "old.gz"
    packed = gzip.compress(b"".join(json.dumps(event(f"e{n}")).encode() + b"\n" for n in range(300)))
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(FileRefused, match="broken after line"):
        take(path, source)
    sequence_all()
    assert ids()[0] == "e0"
    long = lines(tmp_path / "long.jsonl", [event("x"), b"y" * 2000])
    with pytest.raises(FileRefused, match=r"long.jsonl, line 2: longer than 1000 bytes; raise"):
        take(long, source, 1000)
    sequence_all()
    assert "x" in ids()


def test_what_happens_now_does_not_wait_for_the_past(
    tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a relay leads, few rows wait at a time; without one they are stored for when it comes."""
    path = lines(tmp_path / "old.jsonl", [event(f"e{n}") for n in range(60)])
    sequencer = new_sequencer("relay")
    waited: list[int] = []

    def pause(seconds: float) -> None:
        waited.append(Intake.objects.count())
        while sequencer.step() is not None:
            pass

    monkeypatch.setattr("notifications.receiver.bringing.time.sleep", pause)
    take(path, source)
    assert waited
    assert set(waited) == {bringing.MOST_WAITING + 1}
    leases.release(sequencer.lease)
    assert not LogHead.objects.filter(expires_at__gt=Now()).exists()
    waited.clear()
    take(lines(tmp_path / "more.jsonl", [event(f"f{n}") for n in range(60)]), source)
    assert not waited
    sequence_all()
    assert len(ids()) == 120


def test_the_command_takes_many_files_and_says_what_it_did(
    tmp_path: Path, source: Source, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what is wrong in one line, with the mend."""
    one = lines(tmp_path / "one.jsonl", [event("a")])
    two = lines(tmp_path / "two.jsonl", [event("b"), event("c")])
    call_command("import_events", str(one), str(two), "--source", "edge")
    assert capsys.readouterr().out == f"{one}: 1 lines taken in\n{two}: 2 lines taken in\n"
    call_command("import_events", str(one), "--source", "edge")
    assert capsys.readouterr().out == f"{one}: nothing new\n"
    with pytest.raises(CommandError, match="create_source nowhere"):
        call_command("import_events", str(one), "--source", "nowhere")
    with pytest.raises(CommandError, match="elsewhere"):
        call_command("import_events", str(one), "--source", "hub")
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_events", str(tmp_path / "none"), "--source", "edge")

"""Logs brought in from files: each request once, whatever becomes of the file."""

import gzip
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from notifications.log.models import Event, Intake, QuarantinedEvent
from notifications.log.quarantine import retry, waiting
from notifications.receiver import files
from registryhub.access.models import Source
from tests.notifications.log.making import sequence_all
from tests.notifications.receiver.posting import event

pytestmark = pytest.mark.django_db

PULL = b'192.0.2.7 - - [25/Nov/2026:01:42:01 +0000] "GET /v2/app/web/manifests/latest HTTP/1.1" 200 246 "-" "docker/24"'
PAGE = b'192.0.2.7 - - [25/Nov/2026:01:42:02 +0000] "GET /index.html HTTP/1.1" 200 99 "-" "curl/8"'


@pytest.fixture(autouse=True)
def source(db: None, monkeypatch: pytest.MonkeyPatch) -> Source:
    """Pieces are small, so that a file is many."""
    monkeypatch.setattr(files, "PIECE_LINES", 2)
    return Source.objects.create(name="edge")


def write(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def bring_in(capsys: pytest.CaptureFixture[str], path: Path, *options: str) -> str:
    call_command("import_events", str(path), "--source", "edge", *options)
    sequence_all()
    return capsys.readouterr().out.removeprefix(f"{path}: ").strip()


def pulls() -> int:
    return Event.objects.filter(action="pull").count()


def test_every_request_for_an_image_is_an_event_and_the_rest_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines that say the very same are requests of their own."""
    path = write(tmp_path / "access.log", PULL, PULL, PAGE, PULL, b"", PAGE)
    assert bring_in(capsys, path) == "4 lines taken in, 2 skipped that are of no image"
    assert pulls() == 3
    assert Event.objects.values_list("repository", "tag", "address", "media_type").distinct().get() == (
        "app/web",
        "latest",
        "192.0.2.7",
        "",
    )


def test_lines_that_are_skipped_are_not_stored(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log of a whole site has many."""
    call_command("import_events", str(write(tmp_path / "access.log", PULL, PAGE)), "--source", "edge")
    assert b"index.html" not in bytes(Intake.objects.get().raw)
    assert b"app/web" in bytes(Intake.objects.get().raw)


def test_a_log_that_has_grown_was_renamed_and_packed_is_counted_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a rotation does; the file is known by its first line."""
    path = write(tmp_path / "access.log", PULL, PULL)
    bring_in(capsys, path)
    write(path, PULL, PULL, PULL)
    bring_in(capsys, path)
    assert pulls() == 3
    packed = tmp_path / "access.log.1.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert bring_in(capsys, packed) == "3 lines taken in"
    assert pulls() == 3
    assert bring_in(capsys, packed) == "nothing new"
    bring_in(capsys, write(tmp_path / "access.log", PULL.replace(b"docker/24", b"docker/25"), PULL))
    assert pulls() == 5


def test_broken_lines_are_quarantined_with_file_and_line_and_can_be_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is around them is taken; what is tried again still knows where it stood."""
    bring_in(capsys, write(tmp_path / "access.log", PULL, PAGE, PULL[:50], b"", PULL))
    assert pulls() == 2
    assert QuarantinedEvent.objects.get().reason.startswith("access.log, line 3: expected a line of an access log")
    assert retry(waiting()) == 1
    sequence_all()
    assert QuarantinedEvent.objects.get().reason.startswith("access.log, line 3: ")
    assert pulls() == 2


def test_with_another_prefix_the_file_is_read_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first try found nothing in it."""
    path = write(tmp_path / "access.log", PULL.replace(b"/v2/", b"/docker/v2/"), PAGE)
    assert bring_in(capsys, path) == "0 lines taken in, 2 skipped that are of no image"
    assert bring_in(capsys, path, "--prefix", "docker/v2") == "1 lines taken in, 1 skipped that are of no image"
    assert pulls() == 1


def test_the_format_can_be_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of files that begin with something else; and events are taken as before."""
    path = write(tmp_path / "access.log", *[b"# a comment"] * 3, PULL)
    bring_in(capsys, path, "--format", "combined")
    assert (pulls(), QuarantinedEvent.objects.count()) == (1, 3)
    bring_in(capsys, write(tmp_path / "events.jsonl", json.dumps(event("a")).encode()))
    bring_in(capsys, write(tmp_path / "more.jsonl", json.dumps(event("b")).encode()), "--format", "events")
    assert pulls() == 3


def test_a_packed_log_that_was_cut_short_brings_what_comes_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says so; the whole one, when it is found, brings the rest."""
    path = tmp_path / "access.log.gz"
    packed = gzip.compress(b"".join(PULL.replace(b"/24", b"/%d" % number) + b"\n" for number in range(300)))
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(Exception, match="broken after line"):
        bring_in(capsys, path, "--format", "combined")
    sequence_all()
    assert 0 < pulls() < 300
    path.write_bytes(packed)
    assert bring_in(capsys, path) == "300 lines taken in"
    assert pulls() == 300

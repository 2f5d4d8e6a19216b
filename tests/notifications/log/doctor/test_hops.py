"""The probe on its way into the log, and each hop stopped on purpose."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from notifications import events
from notifications.log import sequence
from notifications.log.doctor.hops import (
    Start,
    await_sequencer,
    await_shipper,
    has_shipper,
    passed,
    read_start,
    write_journal,
)
from notifications.log.doctor.probes import REPOSITORY, Probe, send_probe
from notifications.log.models import Event, LogHead, QuarantinedEvent
from notifications.log.ship import Shipper
from registryhub.access.models import HUB_SOURCE_ID
from tests.notifications.log import making

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder() -> Path:
    """A journal of the test's own."""
    place: Path = settings.DATA_DIR / f"journal-{uuid4()}"
    place.mkdir()
    return place


@pytest.fixture
def probe(folder: Path) -> Probe:
    return send_probe(folder)


@pytest.fixture
def start() -> Start:
    return read_start()


@pytest.fixture
def held(folder: Path) -> Iterator[None]:
    """Somebody holds the journal, as a shipper that hangs would."""
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
    os.close(descriptor)


def test_the_probe_goes_the_way_of_a_pull(folder: Path, start: Start) -> None:
    """Journal, shipper, sequencer; and it is told apart by what it says of itself."""
    written, probe = write_journal(folder)
    assert probe is not None
    Shipper(folder).ship()
    shipped = await_shipper(probe, folder, 0)
    making.sequence_all()
    numbered, seq = await_sequencer(probe, start, 0)
    assert [finding.state for finding in (written, shipped, numbered)] == ["ok", "ok", "ok"]
    assert seq is not None
    event = Event.objects.get(seq=seq)
    assert (event.action, event.repository, event.tag) == ("check", REPOSITORY, "")
    assert event.media_type == events.MEDIA_TYPE_PROBE


def test_a_journal_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """With the folder, and what that means for pulls."""
    (tmp_path / "journal").touch()
    finding, probe = write_journal(tmp_path / "journal")
    assert (finding.name, finding.state, probe) == ("journal", "stopped", None)
    assert f"{tmp_path}/journal cannot be written" in finding.words
    assert "503" in finding.words


def test_a_full_disk_is_called_that(small_disk: Path) -> None:
    """And nothing is left of the probe."""
    with (small_disk / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 4096):
            pass
    finding, _ = write_journal(small_disk)
    assert finding.state == "stopped"
    assert "the disk is full" in finding.words
    assert finding.mend == "Free some room."


def test_without_a_shipper_segments_wait(probe: Probe, folder: Path) -> None:
    """They are counted, and the role to start is named."""
    finding = await_shipper(probe, folder, 0)
    assert (finding.name, finding.state) == ("shipper", "stopped")
    assert finding.words == f"no shipper runs on this node; segments that wait in {folder}: 1"
    assert "role web" in finding.mend


@pytest.mark.usefixtures("held")
def test_a_shipper_that_hangs_is_not_taken_for_none(probe: Probe, folder: Path) -> None:
    """It holds the folder, and that is all it does."""
    assert has_shipper(folder)
    assert "the shipper runs and does not take the segment" in await_shipper(probe, folder, 0).words


def test_without_a_relay_nothing_is_numbered(probe: Probe, folder: Path, start: Start) -> None:
    """Nobody ever was there, or gave the place back."""
    Shipper(folder).ship()
    finding, seq = await_sequencer(probe, start, 0)
    assert (finding.name, finding.state, seq) == ("sequencer", "stopped", None)
    assert finding.words == "no relay runs; rows that wait in the intake: 1"
    assert "role relay" in finding.mend


def test_a_relay_that_died_is_named_with_the_end_of_its_lease(probe: Probe, start: Start) -> None:
    """By the database's clock."""
    ended = datetime(2026, 11, 24, 12, 30, 15, tzinfo=UTC)
    LogHead.objects.create(pk=1, holder="relay:7", expires_at=ended)
    finding, _ = await_sequencer(probe, start, 0)
    assert "the relay relay:7 has died or hangs, its lease ran out at 12:30:15 UTC" in finding.words


def test_a_relay_that_holds_the_log_and_does_nothing_is_to_be_ended(probe: Probe, start: Start) -> None:
    """It renews its lease, so nobody else may."""
    assert sequence.lead("relay:7") is not None
    finding, _ = await_sequencer(probe, start, 0)
    assert finding.state == "stopped"
    assert "relay:7 holds the head of the log and does not move it" in finding.words
    assert "end that process" in finding.mend


def test_a_relay_that_is_behind_is_slow(probe: Probe, start: Start) -> None:
    """It moves: there is nothing to do but to wait."""
    making.store("a", "b")
    making.run_dry(making.new_sequencer("relay:7"))
    finding, _ = await_sequencer(probe, start, 0)
    assert finding.state == "slow"
    assert "relay:7 numbers events and has not come to the probe" in finding.words


def test_a_probe_that_went_to_quarantine_says_why(probe: Probe, folder: Path, start: Start) -> None:
    """A hub whose ids are forgotten refuses what it finds late."""
    raw = probe.segment.read_bytes()
    QuarantinedEvent.objects.create(source_id=HUB_SOURCE_ID, raw=raw, reason="late: …", received_at=timezone.now())
    assert "went to quarantine: late: …" in await_sequencer(probe, start, 0)[0].words


def test_what_arrives_late_is_slow() -> None:
    """It got there all the same."""
    now = time.monotonic()
    assert passed("shipper", "there", since=now).state == "ok"
    late = passed("shipper", "there", since=now - 4)
    assert (late.state, round(late.seconds or 0)) == ("slow", 4)


def test_the_time_of_the_start_is_that_of_the_probe(start: Start) -> None:
    """So that only what came since is looked through."""
    assert timezone.now() - start.moment < timedelta(seconds=60)

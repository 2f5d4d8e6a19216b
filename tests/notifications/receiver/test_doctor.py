"""What the doctor says of sources."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings

from notifications.log.models import SourceTally
from notifications.receiver.doctor import look_at_sources
from registryhub.access.models import Source
from registryhub.doctor.examination import Visit
from registryhub.doctor.findings import Finding

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def look() -> list[Finding]:
    return list(look_at_sources(Visit(None)))


def heard_of(name: str, *, is_enabled: bool = True, **fields: Any) -> None:
    source = Source.objects.create(name=name, is_enabled=is_enabled)
    SourceTally.objects.create(source=source, events=7, last_received_at=NOON, **fields)


def test_without_sources_there_is_nothing_to_say() -> None:
    """The hub's own events are followed by the probe."""
    assert look() == []


def test_each_source_is_told_of() -> None:
    """When it was last heard of, and whether its clock can be believed."""
    Source.objects.create(name="a-new-one")
    heard_of("ahead", offset_seconds=900.0)
    heard_of("behind", offset_seconds=-4000.0)
    heard_of("off", is_enabled=False)
    heard_of("right", offset_seconds=-1.0)
    found = {finding.name: (finding.state, finding.words) for finding in look()}
    assert found["source a-new-one"] == ("ok", "nothing has come from it yet")
    assert found["source right"] == ("ok", "7 events, the last one at 2026-11-24 12:00:00 UTC")
    assert found["source off"] == ("skipped", "is disabled")
    assert found["source ahead"][0] == found["source behind"][0] == "warning"
    assert "900 s ahead" in found["source ahead"][1]
    assert "4000 s old" in found["source behind"][1]


def test_the_doctor_looks_at_them() -> None:
    """By the table in the settings."""
    assert settings.DOCTOR_CHECKS["sources"] == "notifications.receiver.doctor.look_at_sources"

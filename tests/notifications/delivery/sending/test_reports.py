"""The log file: enough to see what is wrong, not a line an attempt."""

from datetime import UTC, datetime

import pytest

from notifications.delivery.outgoing.sinks import Outcome
from notifications.delivery.sending import reports as module
from notifications.delivery.sending.reports import Reports
from notifications.delivery.sending.retry import Policy, Retry
from notifications.log.consume import LoggedEvent

MOMENT = datetime(2026, 11, 24, tzinfo=UTC)
EVENT = LoggedEvent(7, 1, "id-7", MOMENT, MOMENT, "push", "lib/img", "", "", "", 0, "", "", "", "PUT", "", "{}")
REFUSED = Outcome(0.1, 503, "answered 503 Service Unavailable")


def fail(reports: Reports, retry: Retry, times: int) -> None:
    for _ in range(times):
        retry.failed(0.0)
        reports.refused(EVENT, REFUSED, retry)


def test_a_series_of_failures_is_a_handful_of_lines(caplog: pytest.LogCaptureFixture) -> None:
    """The first, the one that makes it back off, and the recovery."""
    caplog.set_level("INFO")
    reports, retry = Reports("a", "http://a.example/"), Retry(Policy(3, 1.5))
    fail(reports, retry, 500)
    reports.accepted(EVENT)
    reports.accepted(EVENT)
    first, turn, recovery = [record.getMessage() for record in caplog.records]
    assert first == (
        "endpoint a (http://a.example/): event id-7 (number 7) was not delivered, attempt 1: "
        "answered 503 Service Unavailable; trying again"
    )
    assert turn.endswith("attempt 3: answered 503 Service Unavailable; trying again every 1.5 s")
    assert recovery == "endpoint a: delivered again after 500 failed attempts, with event id-7"


def test_a_long_outage_is_repeated_now_and_then(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads the end of the log sees that it goes on."""
    monkeypatch.setattr(module, "EVERY_SECONDS", 0.0)
    fail(Reports("a", "http://a.example/"), Retry(Policy(3, 1.5)), 5)
    assert len(caplog.records) == 5

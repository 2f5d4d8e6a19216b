"""What the debug server says, and what it keeps to itself."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.delivery import metrics as of_delivery
from notifications.delivery.models import DeadLetter, Endpoint
from notifications.log import sequence
from notifications.log.models import Consumer, QuarantinedEvent
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.processes.debug.facts import Facts
from tests.notifications.delivery.stage import log_events
from tests.notifications.log import making
from tests.processes.debug.scraping import ask, counters, new_app, scrape, value
from tests.servers.databases import ROOT

pytestmark = pytest.mark.django_db


def make_endpoint(name: str = "ci", *, position: int = 0, **fields: object) -> Endpoint:
    Consumer.objects.create(name=f"endpoint:{name}", position=position)
    return Endpoint.objects.create(name=name, **{"url": "https://me:***@ci.example.org/", **fields})


def make_letter(endpoint: Endpoint, state: str = "waiting") -> None:
    DeadLetter.objects.create(
        endpoint=endpoint, state=state, reason="age", seq=1, event_id="e", action="push", document="{}", attempts=1
    )


def test_endpoints_have_the_names_of_the_reference() -> None:
    """So dashboards made for Distribution go on; pending is a gauge under a counter's name, as there."""
    log_events(5)
    make_endpoint(
        position=2, successes=7, failures=3, errors=2, given_up=1, statuses={"200 OK": 7, "503 Service Unavailable": 3}
    )
    found = scrape(new_app())
    for kind, count in {"Events": 8, "Successes": 7, "Failures": 3, "Errors": 2}.items():
        assert value(found, "registry_notifications_events_total", type=kind, endpoint="ci") == count
    assert value(found, "registry_notifications_pending_total", endpoint="ci") == 3
    assert value(found, "registry_notifications_status_total", code="200 OK", endpoint="ci") == 7
    assert found["registry_notifications_events"].type == "counter"
    assert found["registry_notifications_pending_total"].type == "gauge"
    assert found["registry_notifications_status"].type == "counter"


def test_operators_are_told_what_the_reference_does_not_know() -> None:
    """State, attempts by class, how old what waits is, dead letters."""
    log_events(2, received_at=timezone.now() - timedelta(minutes=5))
    endpoint = make_endpoint(errors=2, consecutive_failures=12, statuses={"200 OK": 7, "502 Bad Gateway": 1, "503": 3})
    make_letter(endpoint)
    make_letter(endpoint, state="discarded")
    found = scrape(new_app())
    prefix = "registry_notifications"
    assert value(found, f"{prefix}_oldest_pending_seconds", endpoint="ci") >= 300
    assert value(found, f"{prefix}_behind_events", endpoint="ci") == 2
    assert value(found, f"{prefix}_endpoint_state", endpoint="ci", state="backing_off") == 1
    assert value(found, f"{prefix}_endpoint_state", endpoint="ci", state="delivering") == 0
    assert value(found, f"{prefix}_attempts_total", **{"endpoint": "ci", "class": "5xx"}) == 4
    assert value(found, f"{prefix}_attempts_total", **{"endpoint": "ci", "class": "none"}) == 2
    assert value(found, f"{prefix}_dead_letters", endpoint="ci") == 1


def test_the_log_tells_what_waits_where() -> None:
    """Numbered and not, in quarantine, and how far each consumer is."""
    making.store("a", "b", "c")
    making.sequence_all()
    making.store("d")
    Consumer.objects.create(name="counters", position=1, lost=4)
    QuarantinedEvent.objects.create(source_id=HUB_SOURCE_ID, raw=b"?", reason="no JSON", received_at=timezone.now())
    found = scrape(new_app())
    assert value(found, "registryhub_log_head") == 3
    assert value(found, "registryhub_log_intake_rows") == 1
    assert value(found, "registryhub_log_quarantine_events") == 1
    assert value(found, "registryhub_log_missing_events") == 0
    assert value(found, "registryhub_log_events_total", source="hub") == 3
    assert value(found, "registryhub_source_last_event_timestamp_seconds", source="hub") > 1.7e9
    assert value(found, "registryhub_source_clock_offset_seconds", source="hub") != 0
    assert value(found, "registryhub_consumer_lag_events", consumer="counters") == 2
    assert value(found, "registryhub_consumer_lost_events_total", consumer="counters") == 4


def test_the_journal_tells_what_waits_on_the_disk() -> None:
    """Of this node; a whole gigabyte would be seen before the disk is full."""
    segment = settings.DATA_DIR / "journal" / "1.journal"
    segment.parent.mkdir(exist_ok=True)
    segment.write_bytes(b"x" * 10)
    try:
        found = scrape(new_app())
    finally:
        segment.unlink()
    assert value(found, "registryhub_journal_bytes") >= 10
    assert value(found, "registryhub_journal_segments") >= 1


def test_whether_a_relay_runs_is_told_by_its_lease() -> None:
    """Nobody has to watch the process."""
    assert value(scrape(new_app()), "registryhub_relay_up") == 0
    assert sequence.lead("relay:1") is not None
    assert value(scrape(new_app()), "registryhub_relay_up") == 1


def test_every_metric_has_a_type_and_says_what_it_is() -> None:
    """And no two have the same name."""
    make_endpoint(statuses={"200 OK": 1})
    making.store("a")
    making.sequence_all()
    text = ask(new_app(), "/metrics").body.decode()
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))
    for family in scrape(new_app()).values():
        assert family.documentation, family.name
        assert family.type in ("counter", "gauge"), family.name
        assert family.samples, family.name
    assert all(name.startswith(("registry_notifications_", "registryhub_")) for name in names)


def test_no_counter_begins_again_in_a_new_process() -> None:
    """They are rows: an application built anew, as after a restart, goes on where the old one was."""
    endpoint = make_endpoint(successes=5, failures=2, errors=1, given_up=1, statuses={"200 OK": 5})
    making.store("a")
    making.sequence_all()
    before = counters(scrape(new_app()))
    Endpoint.objects.filter(pk=endpoint.pk).update(successes=6, statuses={"200 OK": 6})
    making.store("b")
    making.sequence_all()
    after = counters(scrape(new_app()))
    assert before.keys() <= after.keys()
    assert all(after[sample] >= count for sample, count in before.items())
    assert sum(after.values()) > sum(before.values())


def test_a_scrape_costs_the_same_however_much_there_is() -> None:
    """As many queries for one event and endpoint as for many."""
    log_events()
    make_endpoint("first")
    few = _queries()
    log_events(300)
    for number in range(5):
        make_letter(make_endpoint(f"more-{number}", position=number))
        Consumer.objects.create(name=f"other-{number}", position=number)
    assert _queries() == few <= 14


def _queries() -> int:
    with CaptureQueriesContext(connection) as queries:
        scrape(new_app())
    return len(queries)


def test_two_scrapes_at_once_ask_the_database_once() -> None:
    """What was read a moment ago is told again."""
    app = new_app()
    scrape(app)
    with CaptureQueriesContext(connection) as queries:
        scrape(app)
    assert len(queries) == 0


def test_an_outage_is_told_and_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 while the database is away; the next scrape after it knows everything."""
    app = new_app()
    monkeypatch.setattr(of_delivery, "_measure", _fail)
    reply = ask(app, "/metrics")
    assert (reply.status, b"does not answer: gone away" in reply.body) == (503, True)
    monkeypatch.undo()
    assert ask(app, "/metrics").status == 200


def _fail() -> None:
    raise OperationalError("gone\naway")


def test_variables_are_those_of_the_reference_without_its_secrets() -> None:
    """Durations in nanoseconds as Go has them, header names without values."""
    make_endpoint(header_names=["Authorization"], timeout_seconds=0.5, ignored_actions=["pull"], successes=2)
    document = json.loads(ask(new_app(), "/debug/vars").body)
    [endpoint] = document["registry"]["notifications"]["endpoints"]
    assert endpoint == {
        "name": "ci",
        "url": "https://me:***@ci.example.org/",
        "Headers": {"Authorization": ["***"]},
        "Timeout": 500_000_000,
        "Threshold": 10,
        "Backoff": 1_000_000_000,
        "IgnoredMediaTypes": None,
        "Ignore": {"MediaTypes": None, "Actions": ["pull"]},
        "Metrics": {"Pending": 0, "Events": 2, "Successes": 2, "Failures": 0, "Errors": 0, "Statuses": {}},
    }


def test_without_endpoints_the_reference_says_null() -> None:
    """And an endpoint that is no longer configured is none."""
    make_endpoint(is_absent=True)
    document = json.loads(ask(new_app(), "/debug/vars").body)
    assert document["registry"]["notifications"] == {"endpoints": None}


def test_health_is_empty_or_says_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 and {}, or 503 with the name of the check (reference G)."""
    app = new_app(REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY=str(tmp_path))
    assert (ask(app, "/debug/health").status, ask(app, "/debug/health").body) == (200, b"{}")
    monkeypatch.setattr("os.access", lambda *_: False)
    reply = ask(app, "/debug/health")
    assert (reply.status, json.loads(reply.body)) == (503, {"storage": "the storage cannot be written"})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/debug/pprof/", 404), ("POST", "/metrics", 405), ("HEAD", "/metrics", 200)],
)
def test_there_is_nothing_else(method: str, path: str, status: int) -> None:
    """No profile, no other method; HEAD is GET without the body."""
    reply = ask(new_app(), path, method)
    assert reply.status == status
    assert not (method == "HEAD" and reply.body)


def test_metrics_are_told_only_where_they_are_enabled() -> None:
    """And by the path that was chosen, taken literally."""
    assert ask(new_app(REGISTRY_HTTP_DEBUG_PROMETHEUS_ENABLED="false"), "/metrics").status == 404
    moved = new_app(REGISTRY_HTTP_DEBUG_PROMETHEUS_PATH="/m.trics")
    assert (ask(moved, "/m.trics").status, ask(moved, "/metrics").status) == (200, 404)


def test_what_was_read_is_kept_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the clock, whoever asks."""
    now = [100.0]
    monkeypatch.setattr("registryhub.processes.debug.facts.time.monotonic", lambda: now[0])
    found = Facts(kept_seconds=2.0)
    costs = []
    for now[0] in (100.0, 101.9, 102.0):
        with CaptureQueriesContext(connection) as queries:
            found.collect()
        costs.append(bool(queries))
    assert costs == [True, False, True]


def test_the_page_about_operations_names_every_metric() -> None:
    """And none that does not exist."""
    make_endpoint(statuses={"200 OK": 1})
    making.store("a")
    making.sequence_all()
    told = {sample.name for family in scrape(new_app()).values() for sample in family.samples}
    page = (ROOT / "docs" / "operations.md").read_text()
    rows = "".join(line for line in page.splitlines(keepends=True) if line.startswith("| `regist"))
    assert set(re.findall(r"`(regist\w+)`", rows)) == told

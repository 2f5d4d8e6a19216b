"""What Prometheus and `/debug/vars` are told of the endpoints, under the names of the reference (C.6) and more.

The counters are columns, written with the attempts that they count: they survive a restart and include every relay.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from notifications.delivery.backlog import Backlog, measure_backlogs
from notifications.delivery.models import DeadLetter, Endpoint

_NANOSECONDS = 1_000_000_000
_PREFIX = "registry_notifications"
_STATES = [state for state in Endpoint.State.values if state != Endpoint.State.ABSENT]
_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx", "none")

Measured = Sequence[tuple[Endpoint, Backlog]]


def collect() -> Iterable[Metric]:
    """For settings.METRICS: a few queries, however many events wait."""
    measured = _measure()
    yield from _of_the_reference(measured)
    yield from _waiting(measured, timezone.now())
    yield from _health(endpoint for endpoint, _ in measured)
    yield from _given_up(measured)


def variables() -> dict[str, Any]:
    """For settings.DEBUG_VARIABLES: as the reference's expvar has it, but for header values and passwords."""
    described = [_describe(endpoint, backlog) for endpoint, backlog in _measure()]
    return {"endpoints": described or None}


def _measure() -> Measured:
    endpoints = list(Endpoint.objects.filter(is_absent=False).order_by("name"))
    backlogs = measure_backlogs(endpoints)
    return [(endpoint, backlogs[endpoint.pk]) for endpoint in endpoints]


def _of_the_reference(measured: Measured) -> Iterable[Metric]:
    events = CounterMetricFamily(
        f"{_PREFIX}_events",
        "Events that were dealt with (Events), and attempts: accepted events, refusals, and attempts without answer.",
        labels=["type", "endpoint"],
    )
    pending = GaugeMetricFamily(f"{_PREFIX}_pending_total", "Events that wait for the endpoint.", labels=["endpoint"])
    status = CounterMetricFamily(f"{_PREFIX}_status", "Answers by status.", labels=["code", "endpoint"])
    for endpoint, backlog in measured:
        for kind, count in _counts(endpoint).items():
            events.add_metric([kind, endpoint.name], count)
        pending.add_metric([endpoint.name], backlog.pending)
        for code, count in endpoint.statuses.items():
            status.add_metric([code, endpoint.name], count)
    yield from (events, pending, status)


def _waiting(measured: Measured, now: datetime) -> Iterable[Metric]:
    oldest = _gauge("oldest_pending_seconds", "How long the oldest event that waits is in the log; 0: none.")
    behind = _gauge("behind_events", "Events of the log after the endpoint's position, wanted or not.")
    for endpoint, backlog in measured:
        oldest.add_metric([endpoint.name], backlog.oldest_pending_seconds(now) or 0)
        behind.add_metric([endpoint.name], backlog.behind)
    yield from (oldest, behind)


def _health(endpoints: Iterable[Endpoint]) -> Iterable[Metric]:
    state = GaugeMetricFamily(
        f"{_PREFIX}_endpoint_state", "1 for the state that the endpoint is in.", labels=["endpoint", "state"]
    )
    failures = _gauge("consecutive_failures", "Attempts in a row that have failed.")
    attempts = CounterMetricFamily(
        f"{_PREFIX}_attempts",
        "Attempts by class of the answer; none: there was no answer.",
        labels=["endpoint", "class"],
    )
    for endpoint in endpoints:
        for each in _STATES:
            state.add_metric([endpoint.name, each], endpoint.state == each)
        failures.add_metric([endpoint.name], endpoint.consecutive_failures)
        classes = _classes(endpoint)
        for each in _CLASSES:
            attempts.add_metric([endpoint.name, each], classes[each])
    yield from (state, failures, attempts)


def _given_up(measured: Measured) -> Iterable[Metric]:
    letters = _gauge("dead_letters", "Events that were given up and wait for somebody to decide.")
    given_up = CounterMetricFamily(f"{_PREFIX}_given_up", "Events that were given up.", labels=["endpoint"])
    waiting = dict(
        DeadLetter.objects.filter(state=DeadLetter.State.WAITING)
        .order_by()
        .values_list("endpoint_id")
        .annotate(Count("id"))
    )
    for endpoint, _ in measured:
        letters.add_metric([endpoint.name], waiting.get(endpoint.pk, 0))
        given_up.add_metric([endpoint.name], endpoint.given_up)
    yield from (letters, given_up)


def _gauge(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{_PREFIX}_{name}", text, labels=["endpoint"])


def _counts(endpoint: Endpoint) -> Mapping[str, int]:
    """By the reference's names. An event counts as one when it is dealt with; those that wait are pending."""
    return {
        "Events": endpoint.successes + endpoint.given_up,
        "Successes": endpoint.successes,
        "Failures": endpoint.failures,
        "Errors": endpoint.errors,
    }


def _classes(endpoint: Endpoint) -> Counter[str]:
    """Attempts by the first digit of the status, such as `5xx`; those without an answer as `none`."""
    found = Counter({"none": endpoint.errors})
    for text, count in endpoint.statuses.items():
        found[f"{text[0]}xx"] += count
    return found


def _describe(endpoint: Endpoint, backlog: Backlog) -> dict[str, Any]:
    ignored = {"MediaTypes": endpoint.ignored_media_types or None, "Actions": endpoint.ignored_actions or None}
    return {
        "name": endpoint.name,
        "url": endpoint.url,
        "Headers": {name: ["***"] for name in endpoint.header_names},
        "Timeout": round(endpoint.timeout_seconds * _NANOSECONDS),
        "Threshold": endpoint.threshold,
        "Backoff": round(endpoint.backoff_seconds * _NANOSECONDS),
        "IgnoredMediaTypes": endpoint.ignored_media_types or None,
        "Ignore": ignored,
        "Metrics": {"Pending": backlog.pending, **_counts(endpoint), "Statuses": endpoint.statuses},
    }

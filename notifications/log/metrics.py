"""What Prometheus is told of the log, for settings.METRICS."""

from collections.abc import Iterable

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from notifications.log.models import LogHead
from notifications.log.state import MAX_COUNTED, ConsumerState, JournalState, LogState, SourceState, read_state


def collect() -> Iterable[Metric]:
    """A few queries, whatever the log holds. The journal is that of this node."""
    state = read_state()
    yield from _log(state)
    yield from _journal(state.journal)
    yield from _sources(state.sources)
    yield from _consumers(state.consumers)


def _log(state: LogState) -> Iterable[Metric]:
    up_to = f", counted up to {MAX_COUNTED}"
    yield _gauge("registryhub_log_head", "Number of the newest event in the log.", state.head)
    yield _gauge("registryhub_log_tail", "Number of the oldest event that is still in the log.", state.tail)
    yield _gauge("registryhub_log_missing_events", "Numbers that no event of any source has: 0.", state.missing)
    yield _gauge("registryhub_log_intake_rows", f"Rows that wait to be numbered{up_to}.", state.intake)
    yield _gauge(
        "registryhub_log_quarantine_events", f"Events in quarantine that wait for a decision{up_to}.", state.quarantined
    )
    yield _gauge("registryhub_relay_up", "Whether a relay numbers the events: 1, or 0.", _has_relay())


def _journal(journal: JournalState) -> Iterable[Metric]:
    yield _gauge("registryhub_journal_bytes", "Bytes of pulls on this node's disk that wait.", journal.bytes)
    yield _gauge("registryhub_journal_segments", "Files of the journal on this node that wait.", journal.segments)
    yield _gauge(
        "registryhub_journal_oldest_seconds", "Age of the oldest file that waits; 0: none.", journal.oldest_seconds or 0
    )


def _sources(sources: Iterable[SourceState]) -> Iterable[Metric]:
    events = CounterMetricFamily("registryhub_log_events", "Events in the log, removed ones too.", labels=["source"])
    twice = CounterMetricFamily("registryhub_log_duplicates", "Events that were known already.", labels=["source"])
    unread = CounterMetricFamily("registryhub_log_quarantined", "Events that went to quarantine.", labels=["source"])
    heard = GaugeMetricFamily(
        "registryhub_source_last_event_timestamp_seconds", "When the last event came in.", labels=["source"]
    )
    clock = GaugeMetricFamily(
        "registryhub_source_clock_offset_seconds", "How far its clock is ahead of ours.", labels=["source"]
    )
    for source in sources:
        events.add_metric([source.name], source.events)
        twice.add_metric([source.name], source.duplicates)
        unread.add_metric([source.name], source.quarantined)
        if source.last_received_at is not None:
            heard.add_metric([source.name], source.last_received_at.timestamp())
        if source.offset_seconds is not None:
            clock.add_metric([source.name], source.offset_seconds)
    yield from (events, twice, unread, heard, clock)


def _consumers(consumers: Iterable[ConsumerState]) -> Iterable[Metric]:
    labels = ["consumer"]
    lag = GaugeMetricFamily("registryhub_consumer_lag_events", "Events behind the head of the log.", labels=labels)
    oldest = GaugeMetricFamily(
        "registryhub_consumer_oldest_pending_seconds",
        "How long the oldest event it has not dealt with is in the log; 0: none.",
        labels=labels,
    )
    lost = CounterMetricFamily("registryhub_consumer_lost_events", "Events removed before it came.", labels=labels)
    for each in consumers:
        lag.add_metric([each.name], each.lag)
        oldest.add_metric([each.name], each.oldest_pending_seconds or 0)
        lost.add_metric([each.name], each.lost)
    yield from (lag, oldest, lost)


def _has_relay() -> bool:
    """By the database's clock."""
    held = ExpressionWrapper(Q(expires_at__gt=Now()), output_field=BooleanField())
    return LogHead.objects.filter(held, pk=1).exclude(holder="").exists()


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)

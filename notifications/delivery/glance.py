"""How the endpoints do at a glance: one query for all of them, however far they are behind.

What waits is all events between an endpoint's position and the head; `backlog` looks which of them it gets.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import BigIntegerField, F, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce, Concat, Now
from django.utils import timezone

from notifications.delivery.backlog import Backlog
from notifications.delivery.models import Endpoint, Notice
from notifications.log.models import Consumer, Event, LogHead

NEWS = timedelta(days=3)
"""A message is news for so long."""


def glance(limit: int) -> Sequence[tuple[Endpoint, Backlog]]:
    """The configured endpoints, the ones in trouble first, then by name; `latest_notice` is the last message."""
    place = Consumer.objects.filter(name=Concat(Value("endpoint:"), OuterRef("name")))
    head = LogHead.objects.filter(pk=1).values("position")
    oldest = Event.objects.filter(seq=OuterRef("position") + 1).values("received_at")
    told = Notice.objects.filter(endpoint=OuterRef("pk"), created_at__gt=timezone.now() - NEWS).order_by("-id")
    rows = (
        Endpoint.objects.filter(is_absent=False)
        .annotate(
            position=Subquery(place.values("position")),
            attended=Subquery(place.filter(expires_at__gt=Now()).values("name")),
            latest_notice=Subquery(told.values("text")[:1]),
            head=Coalesce(Subquery(head), 0, output_field=BigIntegerField()),
        )
        .annotate(behind=F("head") - F("position"), oldest=Subquery(oldest))
        .order_by("-consecutive_failures", "name")[:limit]
    )
    return [(row, _backlog(row)) for row in rows]


def _backlog(row: Endpoint) -> Backlog:
    known = vars(row)
    if known["position"] is None:
        return Backlog(None)
    behind = max(0, known["behind"])
    return Backlog(
        known["position"],
        behind=behind,
        pending=behind,
        is_exact=False,
        oldest_pending_at=known["oldest"] if behind else None,
        is_attended=known["attended"] is not None,
    )

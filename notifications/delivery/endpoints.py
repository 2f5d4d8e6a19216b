"""The configured endpoints: their rows, their consumers of the log, and what each is made of."""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

from notifications.delivery.faces import (
    CLOUDEVENT,
    CLOUDEVENTS,
    Bundle,
    Chat,
    CloudEvents,
    Document,
    Envelope,
    Face,
    Signed,
    SignedBody,
)
from notifications.delivery.filters import build_filter
from notifications.delivery.lanes import Lanes
from notifications.delivery.ledger import Ledger
from notifications.delivery.models import Endpoint
from notifications.delivery.overtake import OvertakingSender
from notifications.delivery.pace import Pace
from notifications.delivery.parcels import Batch
from notifications.delivery.reports import Reports
from notifications.delivery.resend import Post, SideQueue
from notifications.delivery.send import Sender
from notifications.delivery.sinks import HttpSink, Outcome
from notifications.delivery.tls import Tls
from notifications.delivery.traffic import Traffic
from notifications.events import MEDIA_TYPE_V1, MEDIA_TYPE_V2
from notifications.log.consume import Feed, StreamConsumer
from registryhub.config.notifications import Endpoint as Configured
from registryhub.version import VERSION

logger = logging.getLogger("notifications.delivery")


def consumers() -> list[StreamConsumer]:
    """A consumer of the log for each endpoint that is neither disabled nor paused; a new one starts at the head."""
    configured = settings.HUB.notifications.endpoints
    rows = sync_endpoints(configured)
    active = [(rows[endpoint.name], endpoint) for endpoint in configured if rows[endpoint.name].is_active]
    return [
        StreamConsumer(row.consumer_name, partial(deliver, row.pk, endpoint), start_at_head=True)
        for row, endpoint in active
    ]


def deliver(endpoint_id: int, configured: Configured, feed: Feed) -> None:
    """All that stands between the log and one receiver, from top to bottom."""
    endpoint = Endpoint.objects.get(pk=endpoint_id)
    wanted = build_filter(configured.ignored_actions, configured.ignored_media_types, settings.HUB.hub.events)
    face, pace = build_face(configured), Pace(configured.ratelimit_per_second)
    reports = Reports(endpoint.name, endpoint.url)
    logger.info(
        "endpoint %s: sending to %s from number %d on, timeout %g s, threshold %d, backoff %g s, headers: %s",
        *(endpoint.name, endpoint.url, feed.position + 1, configured.timeout_seconds, configured.threshold),
        *(configured.backoff_seconds, ", ".join(configured.headers) or "none"),
    )
    with ExitStack() as stack:

        def open_post() -> Post:
            return partial(_post, stack.enter_context(closing(_open_sink(configured, face))), face)

        post = open_post()
        size, log = configured.events_a_request, configured.log
        side = SideQueue(endpoint, post, pace, wanted=wanted, size=size, log=log)
        ledger = Ledger(endpoint, feed, log=log)
        batch = Batch(size, configured.batchwait_seconds)
        if configured.order == "all":
            Sender(
                feed=feed, wanted=wanted, batch=batch, post=post, pace=pace, ledger=ledger, side=side, reports=reports
            ).run()
            return
        traffic = Traffic(
            order=configured.order,
            most=configured.inflight,
            batch=batch,
            retry=ledger.retry,
            pace=pace,
            position=feed.position,
        )
        lanes = Lanes([open_post() for _ in range(configured.inflight)])
        OvertakingSender(
            feed=feed, wanted=wanted, traffic=traffic, lanes=lanes, ledger=ledger, side=side, reports=reports
        ).run()


def _open_sink(configured: Configured, face: Face) -> HttpSink:
    tls = configured.tls
    return HttpSink(
        url=configured.url.get_secret_value(),
        headers={name: [value.get_secret_value() for value in values] for name, values in configured.headers.items()},
        timeout_seconds=configured.timeout_seconds,
        user_agent=f"RegistryHub/{VERSION}",
        environment=os.environ,
        media_type=face.media_type,
        proxy=configured.proxy_url,
        tls=Tls(tls.ca, tls.certificate, tls.key, verifies=not tls.skipverify),
    )


def _post(sink: HttpSink, face: Face, documents: list[Document]) -> Outcome:
    return sink.post(*face.render(documents, time.time()))


def build_face(configured: Configured) -> Face:
    """What the endpoint's requests say, and how they are signed."""
    secrets = [secret.get_secret_value() for secret in configured.secrets]
    if configured.face == "standard":
        return Signed(secrets)
    face = _unsigned_face(configured)
    return SignedBody(face, secrets[0]) if secrets else face


def _unsigned_face(configured: Configured) -> Face:
    if configured.face == "cloudevents":
        return CloudEvents(CLOUDEVENTS if configured.events_a_request > 1 else CLOUDEVENT)
    if configured.face == "slack":
        return Chat(configured.template)
    media_type = MEDIA_TYPE_V1 if configured.mediatype == "v1" else MEDIA_TYPE_V2
    return Bundle(media_type) if configured.face == "batch" else Envelope(media_type)


def sync_endpoints(configured: Sequence[Configured]) -> dict[str, Endpoint]:
    """Make the rows say what the configuration says, writing only what differs, and return them by name.

    The row of an endpoint that is no longer configured stays, marked absent, and so does its position in the log.
    """
    wanted = {endpoint.name: _settings_of(endpoint) for endpoint in configured}
    known = {row.name: row for row in Endpoint.objects.all()}
    new = [Endpoint(name=name, **values) for name, values in wanted.items() if name not in known]
    gone = {row.name: {"is_absent": True} for row in known.values() if row.is_configured and row.name not in wanted}
    changed = [
        known[name] for name, values in (wanted | gone).items() if name in known and _assign(known[name], values)
    ]
    if not new and not changed:
        return known
    with transaction.atomic():
        Endpoint.objects.bulk_create(new, ignore_conflicts=True)
        for row in changed:
            row.save(update_fields=_SETTINGS)
    return {row.name: row for row in Endpoint.objects.all()}


def _settings_of(endpoint: Configured) -> dict[str, Any]:
    return {
        "origin": Endpoint.Origin.CONFIG,
        "url": str(endpoint.url),
        "rate_limit_per_second": endpoint.ratelimit_per_second,
        "face": endpoint.face,
        "batch_size": endpoint.events_a_request,
        "header_names": sorted(endpoint.headers),
        "timeout_seconds": endpoint.timeout_seconds,
        "threshold": endpoint.threshold,
        "backoff_seconds": endpoint.backoff_seconds,
        "max_backoff_seconds": endpoint.maxbackoff_seconds,
        "max_attempts": endpoint.attempts_limit,
        "max_age_seconds": endpoint.maxage_seconds,
        "disable_after_seconds": endpoint.disableafter_seconds,
        "ignored_media_types": sorted(endpoint.ignored_media_types),
        "ignored_actions": sorted(endpoint.ignored_actions),
        "is_disabled": endpoint.disabled,
        "is_absent": False,
    }


_SETTINGS = (
    *("origin", "url", "face", "batch_size", "header_names", "timeout_seconds", "threshold", "backoff_seconds"),
    *("max_backoff_seconds", "max_attempts", "max_age_seconds", "disable_after_seconds"),
    "rate_limit_per_second",
    *("ignored_media_types", "ignored_actions", "is_disabled", "is_absent"),
)


def _assign(row: Endpoint, values: Mapping[str, Any]) -> bool:
    """Whether that changed anything."""
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return bool(changed)

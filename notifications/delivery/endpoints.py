"""The endpoints, of `config.yml` and typed in: their consumers of the log, and what each is made of."""

import logging
import os
import time
from contextlib import ExitStack, closing
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from notifications.delivery.definitions.changes import drop_expired
from notifications.delivery.definitions.rows import sync_endpoints
from notifications.delivery.definitions.typed import BadEndpoint, read_settings, unseal
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
from notifications.delivery.filtering.filters import build_filter
from notifications.delivery.models import MAX_ERROR_LENGTH, Endpoint
from notifications.delivery.outgoing.guard import anywhere, only_outside
from notifications.delivery.outgoing.sinks import HttpSink, Outcome
from notifications.delivery.outgoing.tls import Tls
from notifications.delivery.sending.lanes import Lanes
from notifications.delivery.sending.ledger import Ledger
from notifications.delivery.sending.notices import Notices
from notifications.delivery.sending.overtake import OvertakingSender
from notifications.delivery.sending.pace import Pace
from notifications.delivery.sending.parcels import Batch
from notifications.delivery.sending.reports import Reports
from notifications.delivery.sending.resend import Post, SideQueue
from notifications.delivery.sending.send import Sender
from notifications.delivery.sending.traffic import Traffic
from notifications.events import MEDIA_TYPE_V1, MEDIA_TYPE_V2
from notifications.log.consume import Feed, LeaseLost, StreamConsumer
from notifications.log.places import remove_place
from registryhub.access.sealing import Unsealable
from registryhub.config.notifications import Endpoint as Configured
from registryhub.version import VERSION

logger = logging.getLogger("notifications.delivery")


def consumers() -> list[StreamConsumer]:
    """A consumer of the log for each endpoint that is neither disabled nor paused; a new one starts at the head."""
    configured = settings.HUB.notifications.endpoints
    rows = sync_endpoints(configured)
    active = [(rows[endpoint.name], endpoint) for endpoint in configured if rows[endpoint.name].is_active]
    typed = [row for row in rows.values() if not row.is_configured and row.is_active]
    for row in typed:
        if row.secret_expires_at is not None and row.secret_expires_at <= timezone.now():
            drop_expired(row)
    runs = [(row, partial(_deliver_configured, row.pk, endpoint)) for row, endpoint in active]
    runs += [(row, partial(_deliver_typed, row.pk)) for row in typed]
    return [StreamConsumer(row.consumer_name, run, start_at_head=True, revision=row.revision) for row, run in runs]


def _deliver_configured(endpoint_id: int, configured: Configured, feed: Feed) -> None:
    deliver(Endpoint.objects.get(pk=endpoint_id), configured, feed)


def _deliver_typed(endpoint_id: int, feed: Feed) -> None:
    """By the settings in the row. One whose settings cannot be used any more is disabled, with the reason."""
    endpoint = Endpoint.objects.filter(pk=endpoint_id).first()
    if endpoint is None:
        _forget(str(feed.lease.place.key))
        return
    try:
        configured = settings_of(endpoint)
    except (Unsealable, BadEndpoint) as error:
        _disable(endpoint, f"its settings cannot be used: {error}"[:MAX_ERROR_LENGTH])
        return
    try:
        deliver(endpoint, configured, feed)
    except LeaseLost:
        if Endpoint.objects.filter(pk=endpoint_id).exists():
            raise
        logger.info("endpoint %s was deleted", endpoint.name)


def _disable(endpoint: Endpoint, reason: str) -> None:
    notices = Notices(endpoint)
    notices.disabled(reason)
    with transaction.atomic():
        Endpoint.objects.filter(pk=endpoint.pk).update(stopped_at=timezone.now(), stop_reason=reason)
        notices.save()


def _forget(consumer_name: str) -> None:
    """A relay that heard of the endpoint just before it was deleted has made its place anew."""
    if not Endpoint.objects.filter(name=consumer_name.removeprefix("endpoint:")).exists():
        remove_place(consumer_name)


def deliver(endpoint: Endpoint, configured: Configured, feed: Feed) -> None:
    """All that stands between the log and one receiver, from top to bottom."""
    wanted = build_filter(
        configured.ignored_actions,
        configured.ignored_media_types,
        settings.HUB.hub.events,
        notices_to=endpoint.name if configured.notices else "",
        chosen=configured.filter,
    )
    face, pace = build_face(configured), Pace(configured.ratelimit_per_second)
    reports = Reports(endpoint.name, endpoint.url)
    logger.info(
        "endpoint %s: sending to %s from number %d on, timeout %g s, threshold %d, backoff %g s, headers: %s",
        *(endpoint.name, endpoint.url, feed.position + 1, configured.timeout_seconds, configured.threshold),
        *(configured.backoff_seconds, ", ".join(configured.headers) or "none"),
    )
    with ExitStack() as stack:

        def open_post() -> Post:
            return partial(_post, stack.enter_context(closing(open_sink(endpoint, configured, face))), face)

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


class NotConfigured(Exception):
    """The endpoint is no longer in the configuration; the text says so."""


def settings_of(endpoint: Endpoint) -> Configured:
    """By which it is run. Raises NotConfigured, and for one that was typed in Unsealable and BadEndpoint."""
    if not endpoint.is_configured:
        return read_settings(endpoint.name, unseal(endpoint.sealed))
    for configured in settings.HUB.notifications.endpoints:
        if configured.name == endpoint.name:
            return configured
    raise NotConfigured(f"{endpoint.name} is no longer in the configuration, so nothing can be sent to it")


def open_sink(endpoint: Endpoint, configured: Configured, face: Face) -> HttpSink:
    """The way to the receiver. What was typed in is guarded, and goes through no proxy."""
    tls = configured.tls
    return HttpSink(
        url=configured.url.get_secret_value(),
        headers={name: [value.get_secret_value() for value in values] for name, values in configured.headers.items()},
        timeout_seconds=configured.timeout_seconds,
        user_agent=f"RegistryHub/{VERSION}",
        environment=os.environ if endpoint.is_configured else {},  # a proxy hides which address is dialled
        media_type=face.media_type,
        proxy=configured.proxy_url,
        tls=Tls(tls.ca or tls.capem, tls.certificate, tls.key, verifies=not tls.skipverify),
        guard=anywhere if endpoint.is_configured else only_outside(settings.HUB.hub.outgoing.allow),
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

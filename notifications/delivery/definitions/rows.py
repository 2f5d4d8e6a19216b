"""The rows of endpoints: what their settings look like there, and keeping them in step with the configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import F

from notifications.delivery.models import Endpoint
from notifications.delivery.sending.notices import Notices
from registryhub.config.notifications import Endpoint as Configured


def columns_of(endpoint: Configured) -> dict[str, Any]:
    """The settings as the row has them, to look at."""
    return {
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
        "filter": endpoint.filter.model_dump(mode="json", exclude_defaults=True),
        "takes_notices": endpoint.notices,
        "is_disabled": endpoint.disabled,
    }


def sync_endpoints(configured: Sequence[Configured]) -> dict[str, Endpoint]:
    """Make the rows say what the configuration says, writing only what differs, and return all of them by name.

    The row of an endpoint that is no longer configured stays, marked absent, and so does its position in the log. One
    that was made here and is now in the configuration too goes over to it.
    """
    wanted = {endpoint.name: columns_of(endpoint) | _CONFIGURED for endpoint in configured}
    known = {row.name: row for row in Endpoint.objects.all()}
    new = [Endpoint(name=name, **values) for name, values in wanted.items() if name not in known]
    gone = {row.name: {"is_absent": True} for row in known.values() if row.is_configured and row.name not in wanted}
    taken = [known[name] for name in wanted if name in known and not known[name].is_configured]
    changed = [known[name] for name, values in (wanted | gone).items() if name in known and assign(known[name], values)]
    if not new and not changed:
        return known
    with transaction.atomic():
        Endpoint.objects.bulk_create(new, ignore_conflicts=True)
        for row in changed:
            row.save(update_fields=_SETTINGS)
        for row in taken:
            _take_over(row)
    return {row.name: row for row in Endpoint.objects.all()}


_CONFIGURED: dict[str, Any] = {"origin": Endpoint.Origin.CONFIG, "is_absent": False}
_SETTINGS = (
    *("origin", "url", "face", "batch_size", "header_names", "timeout_seconds", "threshold", "backoff_seconds"),
    *("max_backoff_seconds", "max_attempts", "max_age_seconds", "disable_after_seconds"),
    "rate_limit_per_second",
    *("ignored_media_types", "ignored_actions", "filter", "takes_notices", "is_disabled", "is_absent"),
)


def assign(row: Endpoint, values: Mapping[str, Any]) -> bool:
    """Whether that changed anything."""
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    return bool(changed)


def _take_over(row: Endpoint) -> None:
    """Once, however many relays see it: what was typed is forgotten, and a sender that runs by it stops."""
    typed = Endpoint.objects.filter(pk=row.pk).exclude(sealed="")
    if typed.update(sealed="", secret_expires_at=None, revision=F("revision") + 1):
        text = (
            "config.yml names it now, so its settings are those of config.yml; the settings made here are forgotten,"
            " its place in the log and its history are kept"
        )
        notices = Notices(row)
        notices.changed(text)
        notices.save()

"""What the operators are told about an endpoint: rows to be shown, an event each, and a line in the log file."""

import logging

from notifications.delivery.models import Endpoint, Notice
from notifications.delivery.sending.notice_events import announce
from notifications.delivery.sending.retry import Retry

KEPT_NOTICES = 200
"""For each endpoint."""

logger = logging.getLogger("notifications.delivery")


class Notices:
    """Watches one endpoint on its way from failing to being disabled, and back; gathers rows until they are saved.

    Each level of an outage is said once, over restarts too: the row of the endpoint remembers it.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._rows: list[Notice] = []

    def failed(self, retry: Retry) -> None:
        """An attempt failed."""
        level = retry.alert_level
        if level <= self._endpoint.alert_level:
            return
        self._endpoint.alert_level = level
        spent = f"nothing has been delivered for {write_span(retry.failing_seconds)}, in {retry.failures} attempts"
        limit = write_span(retry.policy.disable_after_seconds)
        if level >= 100:
            self.disabled(f"{spent}; the limit is {limit}", level)
        else:
            self._say(Notice.Kind.ALERT, f"{spent}; after {limit} it is disabled", level)

    def succeeded(self) -> None:
        """An attempt succeeded."""
        if self._endpoint.alert_level:
            self._endpoint.alert_level = 0
            self._say(Notice.Kind.RECOVERED, "it takes events again")

    def disabled(self, reason: str, level: int = 0) -> None:
        """The endpoint is disabled by the hub."""
        self._say(Notice.Kind.DISABLED, f"it was disabled: {reason}. Its events wait; resume it to go on", level)

    def changed(self, text: str) -> None:
        """Somebody has decided about the endpoint."""
        self._say(Notice.Kind.CHANGED, text)

    def save(self) -> None:
        """Write the rows and their events, on the caller's transaction, and forget the oldest rows."""
        if not self._rows:
            return
        Notice.objects.bulk_create(self._rows)
        for row in self._rows:
            announce(row)
        self._rows = []
        mine = Notice.objects.filter(endpoint=self._endpoint).order_by("-id")
        oldest_kept = mine.values_list("id", flat=True)[KEPT_NOTICES - 1 : KEPT_NOTICES]
        for oldest in oldest_kept:
            mine.filter(id__lt=oldest).delete()

    def _say(self, kind: Notice.Kind, text: str, level: int = 0) -> None:
        self._rows.append(Notice(endpoint=self._endpoint, kind=kind, level=level, text=text))
        weight = logging.WARNING if kind in (Notice.Kind.ALERT, Notice.Kind.DISABLED) else logging.INFO
        logger.log(weight, "endpoint %s: %s", self._endpoint.name, text)


def write_span(seconds: float) -> str:
    """Roughly how long, for people: 90 s, 12 min, 36 h, 5 days."""
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.3g} s"

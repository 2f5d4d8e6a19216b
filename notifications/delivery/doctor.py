"""The doctor's check of deliveries, for settings.DOCTOR_CHECKS: only when it was asked for, a test event to each."""

from collections.abc import Iterator

from notifications.delivery.definitions.typed import BadEndpoint
from notifications.delivery.endpoints import NotConfigured
from notifications.delivery.models import Endpoint
from notifications.delivery.trials import send_test
from registryhub.access.sealing import Unsealable
from registryhub.doctor.examination import Visit
from registryhub.doctor.findings import Finding


def try_deliveries(visit: Visit) -> Iterator[Finding]:
    """A pull, marked as a test, sent to each endpoint that is neither absent nor disabled by its settings."""
    if visit.delivers:
        for endpoint in Endpoint.objects.filter(is_absent=False, is_disabled=False).order_by("name"):
            yield _try(endpoint)


def _try(endpoint: Endpoint) -> Finding:
    name = f"delivery to {endpoint.name}"
    try:
        attempt = send_test(endpoint, "pull")
    except (BadEndpoint, Unsealable, NotConfigured) as error:
        return Finding(name, "stopped", f"its settings cannot be used: {error}", "Correct them.")
    if attempt.is_success:
        return Finding(name, "ok", f"a test event was accepted: {attempt.status}", seconds=attempt.duration_seconds)
    mend = f"See its page for what was sent and answered; {endpoint.url} must answer with a status of 2xx."
    return Finding(name, "stopped", attempt.error, mend, attempt.duration_seconds)

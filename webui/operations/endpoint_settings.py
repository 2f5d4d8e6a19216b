"""The settings of an endpoint for people to read, whoever made it. Of what is secret there are only names."""

from collections.abc import Sequence

from notifications.delivery.models import Endpoint
from notifications.delivery.sending.retry import Policy
from webui.operations.filter_fields import write_filter
from webui.operations.service_settings import Setting
from webui.templatetags.operations import lasting

SHOWN_WAITS = 8


def describe_endpoint(endpoint: Endpoint) -> Sequence[Setting]:
    """What is not set is not told."""
    limit = endpoint.rate_limit_per_second
    rows = [
        Setting("From", ["config.yml" if endpoint.is_configured else "the user interface or the REST API"]),
        Setting("URL", [endpoint.url]),
        Setting("Headers", [f"{name}: ***" for name in endpoint.header_names]),
        Setting("Face", [endpoint.face, *([f"up to {endpoint.batch_size} events"] if endpoint.batch_size > 1 else [])]),
        Setting("Ignores", [*endpoint.ignored_actions, *endpoint.ignored_media_types]),
        Setting("Gets", write_filter(endpoint.filter)),
        Setting("Time limit", [lasting(endpoint.timeout_seconds)]),
        Setting("Tries again", [", ".join(write_schedule(endpoint.policy))]),
        Setting("Gives up", [f"events of {lasting(endpoint.max_age_seconds)}"] if endpoint.max_age_seconds else []),
        Setting("Disabled", _disabled_after(endpoint)),
        Setting("Rate", [f"{limit:g} requests a second at most"] if limit else []),
    ]
    return [row for row in rows if row.values]


def write_schedule(policy: Policy) -> Sequence[str]:
    """The waits after failures in a row as they are planned, without jitter: 9 × at once, 1 s, 2 s, and so on."""
    last = policy.max_attempts - 1 if policy.max_attempts else policy.threshold - 1 + SHOWN_WAITS
    at_once = min(policy.threshold - 1, last)
    numbers = range(policy.threshold, min(last, at_once + SHOWN_WAITS) + 1)
    waits = [policy.delay_seconds(number, asked_seconds=0.0, drawn=0.5) for number in numbers]
    words = [f"{at_once} × at once"] if at_once else []
    words += [lasting(wait) for wait in dict.fromkeys(waits)]
    return [*words, f"a dead letter after {policy.max_attempts} attempts" if policy.max_attempts else "and so on"]


def _disabled_after(endpoint: Endpoint) -> Sequence[str]:
    seconds = endpoint.disable_after_seconds
    return [f"after {lasting(seconds)} of nothing but failures"] if seconds else []

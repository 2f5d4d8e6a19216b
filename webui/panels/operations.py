"""What staff see beside the numbers: deployments, webhooks and the disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from deployer.models import Deployment
from notifications.delivery.glance import glance
from registryhub.registry.usage import Usage, measure_usage
from webui.operations.deployment_state import DeploymentLine, describe_line
from webui.operations.endpoint_state import EndpointState, describe_state

LINES = 5


@dataclass(frozen=True, slots=True)
class Operations:
    """The column for staff."""

    deployments: Sequence[DeploymentLine]
    endpoints: Sequence[EndpointState]
    usage: Usage
    is_full: bool


def read_operations(now: datetime) -> Operations:
    """Two queries, and a third once a minute."""
    usage = measure_usage(settings.HUB.storage.driver.rootdirectory)
    latest = Deployment.objects.select_related("service").defer("logs", "memo").order_by("-id")[:LINES]
    return Operations(
        deployments=[describe_line(deployment, now) for deployment in latest],
        endpoints=[describe_state(endpoint, backlog, now) for endpoint, backlog in glance(LINES)],
        usage=usage,
        is_full=usage.free_bytes is not None and usage.free_bytes < settings.HUB.hub.limits.free_bytes,
    )

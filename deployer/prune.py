"""How much of the past is kept."""

from deployer.models import Deployment, Service

KEPT_DEPLOYMENTS = 500
"""Finished ones, for each service."""


def prune_history(service_id: int) -> None:
    """Forget the oldest finished deployments, on the caller's transaction; never the one that runs."""
    current = Service.objects.filter(pk=service_id).values_list("current_id", flat=True)[0]
    finished = Deployment.objects.filter(service_id=service_id).exclude(finished_at=None).exclude(pk=current)
    oldest_kept = finished.order_by("-id").values_list("id", flat=True)[KEPT_DEPLOYMENTS - 1 : KEPT_DEPLOYMENTS]
    for oldest in oldest_kept:
        finished.filter(id__lt=oldest).delete()

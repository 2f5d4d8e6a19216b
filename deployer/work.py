"""What a worker does when it is woken: carry out what is due for a service."""

import logging
from collections.abc import Callable

from django.utils import timezone

from deployer.claims import Claim, Stopping, claim
from deployer.models import Deployment
from deployer.rollout import MakeTarget, Rollout
from registryhub.database.leases import LeaseLost

State = Deployment.State

logger = logging.getLogger(__name__)


def work_off(service_id: int, make_target: MakeTarget, is_stopping: Callable[[], bool]) -> None:
    """Carry out what is due for the service, one after the other; nothing when another worker is at it."""
    try:
        with claim(service_id, is_stopping) as held:
            while held and (deployment := take_next(held)):
                Rollout(held, deployment, make_target).run()
    except Stopping:
        logger.info("service %d: this worker stops, another goes on", service_id)
    except LeaseLost as lost:
        logger.warning("service %d: %s", service_id, lost)


def due_services() -> list[int]:
    """Services with something to do now; one that a worker is busy with may be among them, and is passed over."""
    due = Deployment.objects.filter(finished_at=None, due_at__lte=timezone.now())
    return list(due.order_by("service_id").values_list("service_id", flat=True).distinct())


def take_next(held: Claim) -> Deployment | None:
    """What is under way, else what waits, if it is due. Raises Stopping and LeaseLost."""
    held.check()
    now = timezone.now()
    with held.writing():
        mine = Deployment.objects.filter(service_id=held.service_id).select_related("service")
        under_way = mine.filter(state__in=Deployment.UNDER_WAY).first()
        if under_way is not None:
            return _resume(under_way) if under_way.due_at <= now else None
        waiting = mine.filter(state=State.WAITING, due_at__lte=now).first()
        if waiting is not None:
            waiting.state, waiting.started_at = State.ROLLING, now
            waiting.save(update_fields=["state", "started_at"])
        return waiting


def _resume(deployment: Deployment) -> Deployment:
    deployment.waits_for = ""
    deployment.save(update_fields=["waits_for"])
    return deployment

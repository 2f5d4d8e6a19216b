"""What Celery carries out. Messages only wake: done twice, the second finds the service held or nothing to do."""

from celery import shared_task

from deployer.build import make_target
from deployer.wake import ROLL_OUT
from deployer.work import due_services, work_off
from registryhub.workers import is_stopping, wake


@shared_task(ignore_result=True)
def roll_out(service_id: int) -> None:
    """Carry out what is due for one service."""
    work_off(service_id, make_target, is_stopping)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Wake a worker for every service with something to do: messages get lost, and workers die."""
    for service_id in due_services():
        wake(ROLL_OUT, service_id)

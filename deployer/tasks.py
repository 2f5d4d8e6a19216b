"""What Celery carries out. Messages only wake: done twice, the second finds the service held or nothing to do."""

from celery import shared_task
from celery.worker import state

from deployer.build import make_target
from deployer.wake import wake
from deployer.work import due_services, work_off


@shared_task(ignore_result=True)
def roll_out(service_id: int) -> None:
    """Carry out what is due for one service."""
    work_off(service_id, make_target, _is_stopping)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Wake a worker for every service with something to do: messages get lost, and workers die."""
    wake(due_services())


def _is_stopping() -> bool:
    return any(flag is not None for flag in (state.should_stop, state.should_terminate))

"""By this message the doctor finds out whether a worker is there."""

from celery import shared_task

from registryhub.doctor import checkups


@shared_task(ignore_result=True)
def answer(checkup: int) -> None:
    """Say so in the row of the checkup."""
    checkups.answer(checkup)

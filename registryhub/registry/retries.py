"""Transactions that the database broke off through nobody's fault."""

from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError, connection, transaction

Result = TypeVar("Result")

_DEADLOCK_DETECTED = "40P01"
_SERIALIZATION_FAILURE = "40001"


def run_transaction(work: Callable[[], Result]) -> Result:
    """Run `work` in a transaction of its own, and once more when PostgreSQL chose it as the victim of a deadlock.

    `work` must leave nothing behind outside the database. Raises what `work` raises.
    """
    try:
        with transaction.atomic():
            return work()
    except OperationalError as error:
        if connection.in_atomic_block or not _is_victim(error):
            raise
    with transaction.atomic():
        return work()


def _is_victim(error: OperationalError) -> bool:
    return getattr(error.__cause__, "pgcode", None) in (_DEADLOCK_DETECTED, _SERIALIZATION_FAILURE)

"""The right to work on a service, which one worker holds at a time: a lease, renewed while that worker lives."""

import logging
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import getpid

from django.db import InterfaceError, OperationalError, connection, transaction

from registryhub.database import leases
from registryhub.database.leases import LeaseLost, Place
from registryhub.database.transactions import relaxed_transaction

LEASE_SECONDS = 15.0
_RENEW_SECONDS = LEASE_SECONDS / 4

logger = logging.getLogger(__name__)


class Stopping(Exception):
    """This worker is told to stop: another goes on from the journal."""


class Claim:
    """A service that this worker holds. A claim that was lost shows at the next write, which it rolls back."""

    def __init__(self, service_id: int, holder: str, epoch: int, is_stopping: Callable[[], bool]) -> None:
        self.service_id = service_id
        self.holder = holder
        self._epoch = epoch
        self._is_stopping = is_stopping
        self._is_over = threading.Event()
        self._is_lost = False

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that only the holder of the claim can commit. Raises LeaseLost."""
        with transaction.atomic():
            leases.hold(_place(self.service_id), self._epoch, LEASE_SECONDS)
            yield

    def pause(self, seconds: float) -> None:
        """Wait, and see whether to go on. Raises Stopping and LeaseLost."""
        self._is_over.wait(seconds)
        self.check()

    def check(self) -> None:
        """Raises Stopping and LeaseLost."""
        if self._is_lost:
            raise LeaseLost(f"service {self.service_id}: another worker has taken over")
        if self._is_stopping():
            raise Stopping

    def keep(self) -> None:
        """Renew the lease until `end`; runs in a thread of its own, since a step may take minutes."""
        try:
            while not self._is_over.wait(_RENEW_SECONDS):
                self._renew()
        except LeaseLost as lost:
            logger.warning("%s", lost)
            self._is_lost = True
        finally:
            connection.close()

    def _renew(self) -> None:
        try:
            with relaxed_transaction():
                leases.hold(_place(self.service_id), self._epoch, LEASE_SECONDS)
        except (OperationalError, InterfaceError) as error:
            logger.warning("service %d: the claim could not be renewed: %s", self.service_id, error)
            connection.close()

    def end(self) -> None:
        """Give the service back."""
        self._is_over.set()
        leases.release(_place(self.service_id), self._epoch)


@contextmanager
def claim(service_id: int, is_stopping: Callable[[], bool]) -> Iterator[Claim | None]:
    """Hold the service for the length of the block; None when another worker does.

    A worker that dies leaves its lease to run out, LEASE_SECONDS after its last renewal.
    """
    holder = f"{socket.gethostname()[:60]}:{getpid()}:{secrets.token_hex(4)}"
    row = leases.take(_place(service_id), holder, LEASE_SECONDS)
    if row is None:
        yield None
        return
    held = Claim(service_id, holder, row[0], is_stopping)
    keeper = threading.Thread(target=held.keep, name=f"claim of service {service_id}", daemon=True)
    keeper.start()
    try:
        yield held
    finally:
        held.end()
        keeper.join()


def _place(service_id: int) -> Place:
    return Place("deployer_service", "id", service_id)

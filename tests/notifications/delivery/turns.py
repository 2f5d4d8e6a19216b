"""Relays that ask again and again who listens, as the process does, one turn after another in the test's own thread."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pytest_django import Settings

from notifications.log import leases
from notifications.log.consume import Head
from notifications.log.models import LogHead
from notifications.log.roster import Roster
from tests.servers.server import wait_until


class Relays:
    """One or several; `until` lets all of them do what is due until a condition is true."""

    def __init__(self, *holders: str) -> None:
        self.heads = {holder: Head() for holder in holders}
        self.rosters = {holder: Roster(holder=holder, head=head) for holder, head in self.heads.items()}

    def turn(self) -> None:
        position = LogHead.objects.values_list("position", flat=True).filter(pk=1).first() or 0
        for holder, roster in self.rosters.items():
            roster.check(leases.renew(holder))
            roster.refresh()
            self.heads[holder].reach(position)

    def until(self, condition: Callable[[], bool], timeout_seconds: float = 15.0) -> None:
        """Raises AssertionError after the timeout."""

        def is_true() -> bool:
            self.turn()
            return condition()

        assert wait_until(is_true, timeout_seconds)


@contextmanager
def relays(settings: Settings, *holders: str) -> Iterator[Relays]:
    """They run endpoints and nothing else."""
    settings.EVENT_CONSUMERS = ["notifications.delivery.endpoints.consumers"]
    running = Relays(*(holders or ("ann",)))
    try:
        yield running
    finally:
        for roster in running.rosters.values():
            roster.stop(10)

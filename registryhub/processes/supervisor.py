"""The parent of all processes of a node: starts them, restarts those that die, reloads and drains.

One thread, no database. The children die with it, so nothing is left behind even when it is killed.
"""

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from registryhub.processes.children import Child, start
from registryhub.processes.roles import Program
from registryhub.processes.signals import Inbox

logger = logging.getLogger(__name__)

STEADY_SECONDS = 5.0  # who ran this long and dies is restarted at once
LONGEST_PAUSE_SECONDS = 15.0
HANDOVER_SECONDS = 0.5  # from the successor's word until it surely listens


def pause_seconds(failures: int) -> float:
    """How long to wait before the next start, after so many early deaths in a row."""
    return min(0.1 * 3.0**failures, LONGEST_PAUSE_SECONDS)


@dataclass(slots=True)
class Slot:
    """The place of one program: who runs in it, who takes over, and when the next start is due if nobody runs."""

    program: Program
    child: Child | None = None
    successor: Child | None = None
    handover_at: float | None = None
    failures: int = 0
    due_at: float = 0.0
    retired: list[Child] = field(default_factory=list)

    def running(self) -> Iterator[Child]:
        yield from (child for child in (self.child, self.successor, *self.retired) if child is not None)


class Supervisor:
    """`reload_problem` is asked before a reload; what it returns, if anything, is why there will be none.

    `announce` is called once, with the seconds since the start, when a program first says that it serves.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        reload_problem: Callable[[], str | None],
        announce: Callable[[float], None],
    ) -> None:
        self._slots = [Slot(program) for program in programs]
        self._reload_problem = reload_problem
        self._announce = announce
        self._is_announced = False
        self._is_draining = False
        self._inbox = Inbox()
        self._started_at = time.monotonic()
        self._has_terminal = os.isatty(0)

    def run(self) -> None:
        """Run until SIGTERM or SIGINT, then drain."""
        with self._inbox:
            while not self._is_told_to_stop(self._wait()):
                self._tick()
            self._drain()

    def _wait(self) -> set[int]:
        numbers, readable = self._inbox.wait(self._patience_seconds())
        for descriptor in readable:
            self._hear(descriptor)
        self._reap()
        return set(numbers)

    def _is_told_to_stop(self, numbers: set[int]) -> bool:
        if numbers & {signal.SIGTERM, signal.SIGINT}:
            return True
        if signal.SIGHUP not in numbers:
            return False
        if self._has_terminal and not os.isatty(0):
            return True  # not a wish to reload: the terminal was closed
        self._reload()
        return False

    def _patience_seconds(self) -> float:
        """Until the next thing that is due by the clock."""
        times = [slot.due_at for slot in self._slots if slot.child is None and not self._is_draining]
        times += [slot.handover_at for slot in self._slots if slot.handover_at is not None]
        times += [child.kill_at for slot in self._slots for child in slot.running() if child.kill_at is not None]
        return max(0.0, min(times) - time.monotonic()) if times else 60.0

    def _tick(self) -> None:
        now = time.monotonic()
        for slot in self._slots:
            if slot.child is None and slot.due_at <= now:
                self._fill(slot)
            if slot.handover_at is not None and slot.handover_at <= now:
                self._hand_over(slot)
        self._kill_the_overdue()

    def _fill(self, slot: Slot) -> None:
        try:
            slot.child = self._start(slot.program)
        except OSError as error:  # no memory or no process to be had
            slot.failures += 1
            slot.due_at = time.monotonic() + pause_seconds(slot.failures)
            logger.error("%s cannot be started: %s", slot.program.command, error)

    def _start(self, program: Program) -> Child:
        child = start(program)
        self._inbox.watch(child.ready)
        return child

    def _kill_the_overdue(self) -> None:
        now = time.monotonic()
        for child in (child for slot in self._slots for child in slot.running()):
            if child.kill_at is not None and child.kill_at <= now:
                logger.warning("%s does not stop; it is killed", child.program.command)
                child.kill()
                child.kill_at = now + child.program.stop_seconds

    def _hear(self, descriptor: int) -> None:
        """A child says that it serves, once; or it has ended and so has its pipe."""
        self._inbox.unwatch(descriptor)
        if not os.read(descriptor, 1):
            return
        for slot in self._slots:
            if slot.successor is not None and slot.successor.ready == descriptor:
                slot.handover_at = time.monotonic() + HANDOVER_SECONDS
        if not self._is_announced:
            self._is_announced = True
            self._announce(time.monotonic() - self._started_at)

    def _reload(self) -> None:
        if problem := self._reload_problem():
            logger.error("not reloaded, everything goes on as before: %s", problem)
            return
        logger.info("reloading the configuration")
        for slot in self._slots:
            if slot.child is None:
                continue
            if not slot.program.hands_over:
                slot.child.ask_to_stop()
            elif slot.successor is None:
                slot.successor = self._start(slot.program)

    def _hand_over(self, slot: Slot) -> None:
        """The successor serves: the predecessor finishes what it has begun and goes."""
        if slot.child is not None:
            slot.child.ask_to_stop()
            slot.retired.append(slot.child)
        slot.child, slot.successor, slot.handover_at = slot.successor, None, None

    def _reap(self) -> None:
        """Take notice of every child that ended; of orphans too, which come to the first process of a container."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for slot in self._slots:
                for child in [child for child in slot.running() if child.pid == pid]:
                    self._inbox.unwatch(child.ready)
                    child.forget()
                    self._ended(slot, child, status)

    def _ended(self, slot: Slot, child: Child, status: int) -> None:
        if child in slot.retired:
            slot.retired.remove(child)
        elif child is slot.successor:
            slot.successor, slot.handover_at = None, None
            logger.error("the new %s %s; the old one goes on", child.program.command, _cause(status))
        elif slot.successor is not None:
            slot.child, slot.successor, slot.handover_at = slot.successor, None, None
        else:
            slot.child = None
            self._plan_restart(slot, child, status)

    def _plan_restart(self, slot: Slot, child: Child, status: int) -> None:
        if self._is_draining:
            return
        if child.kill_at is not None:  # it was asked to
            slot.due_at = time.monotonic()
            return
        lasted_seconds = time.monotonic() - child.started_at
        slot.failures = 0 if lasted_seconds >= STEADY_SECONDS else slot.failures + 1
        pause = pause_seconds(slot.failures)
        slot.due_at = time.monotonic() + pause
        logger.error("%s %s; it starts again in %.1f s", child.program.command, _cause(status), pause)

    def _drain(self) -> None:
        """Stop one wave after the other; a second signal kills what is left."""
        self._is_draining = True
        logger.info("stopping")
        for wave in sorted({slot.program.stop_wave for slot in self._slots}):
            slots = [slot for slot in self._slots if slot.program.stop_wave == wave]
            for child in (child for slot in slots for child in slot.running()):
                child.ask_to_stop()
            while any(child for slot in slots for child in slot.running()):
                if self._wait() & {signal.SIGTERM, signal.SIGINT}:
                    return self._kill_all()
                self._kill_the_overdue()
        return None

    def _kill_all(self) -> None:
        logger.warning("told twice to stop: killing what still runs")
        while children := [child for slot in self._slots for child in slot.running()]:
            for child in children:
                child.kill()
            self._wait()


def _cause(status: int) -> str:
    """How a process ended, by its wait status."""
    code = os.waitstatus_to_exitcode(status)
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"

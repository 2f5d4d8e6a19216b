"""A program as a child process: started, asked to stop, killed when it does not."""

import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

from registryhub.processes.parentage import end_with
from registryhub.processes.readiness import READY_VARIABLE
from registryhub.processes.roles import Program


@dataclass(slots=True)
class Child:
    """A running program. `ready` is the end of the pipe on which it says that it serves; `kill_at` is set once it has
    been asked to stop. Times are of the monotonic clock.
    """

    program: Program
    pid: int
    started_at: float
    ready: int
    kill_at: float | None = None

    def ask_to_stop(self) -> None:
        if self.kill_at is None:
            self.kill_at = time.monotonic() + self.program.stop_seconds
            self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def forget(self) -> None:
        """It has ended and been reaped."""
        os.close(self.ready)

    def _send(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


def start(program: Program) -> Child:
    """Start the program as a child that dies with this process. Only a main thread without other threads may call it.

    It gets a session of its own, so that Ctrl-C reaches the supervisor alone, which knows the order of stopping.
    """
    ready, report = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        _become(program, parent, report)
    os.close(report)
    return Child(program, pid, time.monotonic(), ready)


def _become(program: Program, parent: int, report: int) -> None:
    """The child's side of the fork; does not return."""
    try:
        signal.set_wakeup_fd(-1)
        os.setsid()
        end_with(parent)
        environment = dict(os.environ)
        if program.hands_over:
            os.set_inheritable(report, True)
            environment[READY_VARIABLE] = str(report)
        argv = program.argv()
        os.execve(argv[0], argv, environment)  # noqa: S606 - no shell is wanted
    except BaseException as error:
        print(f"{program.command} does not start: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(127)

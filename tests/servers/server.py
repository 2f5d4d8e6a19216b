"""What all real servers of the tests share: start, wait until ready, stop, kill, keep the log."""

import os
import signal
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers import leash
from tests.servers.proc import Process, descendants, is_alive, look

_running: dict[int, "Server"] = {}


class ServerError(RuntimeError):
    """A server did not start, become ready or stop; the message ends with its log."""


class Server(ABC):
    """A program with a log file, run as a child of this process and never outliving it.

    Use it as a context manager, or call `start`, `stop` and `kill` by hand: each may follow the others any number of
    times, on the same folder and port.
    """

    ready_seconds = 30.0
    stop_seconds = 20.0
    stop_signal = signal.SIGTERM
    user: str | None = None

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder
        self.log = folder / f"{name}.log"
        self._child: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def argv(self) -> list[str]:
        """The program and its arguments."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it serves. Asked every few milliseconds; an OSError means not yet."""

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def prepare(self) -> None:
        """Make the folder and what the program reads in it, before each start."""
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def pid(self) -> int:
        """Raises ServerError when it does not run."""
        if self._child is None:
            raise ServerError(f"{self.name} is not running")
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def start(self) -> Self:
        """Start and wait until ready. Raises ServerError with the log when it dies or takes too long."""
        self.prepare()
        self.launch()
        try:
            self.wait_until_ready()
        except BaseException:
            self.kill()
            raise
        return self

    def launch(self) -> None:
        """Start without waiting."""
        leashed = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(int(self.stop_signal))]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [*leashed, self.user or "-", *self.argv()],
                env=self.environment(),
                cwd=self.working_folder(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _running[self._child.pid] = self

    def working_folder(self) -> Path:
        return self.folder

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            if not self.is_running:
                raise ServerError(self._complaint("died while starting"))
            try:
                return self.is_ready()
            except OSError:
                return False

        if not wait_until(ready, self.ready_seconds):
            raise ServerError(self._complaint(f"was not ready after {self.ready_seconds:g} s"))

    def stop(self) -> int | None:
        """Ask it to end and wait; its exit status, None when it did not run.

        Raises ServerError when it had to be killed, or when children outlive it.
        """
        if self._child is None:
            return None
        below = self.tree()[1:]
        self._child.send_signal(self.stop_signal)
        try:
            status = self._child.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ServerError(self._complaint(f"did not stop within {self.stop_seconds:g} s")) from None
        self._forget()
        if not wait_until(lambda: not any(is_alive(process.pid) for process in below), self.stop_seconds):
            left = [process for process in below if is_alive(process.pid)]
            kill_all(left)
            raise ServerError(self._complaint("left processes behind:\n" + "\n".join(map(str, left)) + "\n"))
        return status

    def kill(self) -> None:
        """`kill -9` the program and all its descendants."""
        if self._child is None:
            return
        kill_all(self.tree())
        self._child.wait()
        self._forget()

    def kill_alone(self) -> None:
        """`kill -9` the program only; what its children do then is their affair."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._forget()

    def tree(self) -> list[Process]:
        """The program and its descendants, parents first."""
        if self._child is None:
            return []
        top = look(self._child.pid)
        return [top, *descendants(top.pid)] if top else []

    def log_tail(self, lines: int = 60) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def __enter__(self) -> Self:
        return self if self.is_running else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _forget(self) -> None:
        if self._child is not None:
            _running.pop(self._child.pid, None)
        self._child = None

    def _complaint(self, what: str) -> str:
        return f"{self.name} {what}; its log ends:\n{self.log_tail()}"


def running_servers() -> list[Server]:
    """The servers that this process has started and not yet stopped, oldest first."""
    return list(_running.values())


def wait_until(condition: Callable[[], bool], timeout_seconds: float, pause_seconds: float = 0.02) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_seconds)
    return True


def kill_all(processes: list[Process]) -> None:
    """`kill -9` each that is still there."""
    for process in processes:
        try:
            os.kill(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue

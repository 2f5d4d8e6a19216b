"""Many clients at once, each a forked process, so that they do not wait for one another's interpreter."""

import multiprocessing
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier, Event
from typing import Any

_fork = multiprocessing.get_context("fork")  # the work is a closure, and this process has no threads


class ClientFailedError(RuntimeError):
    """A client of the crowd raised; the message is its traceback."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How long it took from the start to the end of the last client, and all that the clients returned."""

    seconds: float
    values: list[float]


class Crowd:
    """Clients that begin together: `Crowd(8, work).finish()`. Each calls `work(number, stop)` and returns numbers."""

    def __init__(self, clients: int, work: Callable[[int, Event], list[float]]) -> None:
        self._stop = _fork.Event()
        self._barrier = _fork.Barrier(clients + 1)
        self._members = [self._start(number, work) for number in range(clients)]
        self._barrier.wait(60)
        self._begun = time.monotonic()

    def _start(
        self, number: int, work: Callable[[int, Event], list[float]]
    ) -> "tuple[multiprocessing.process.BaseProcess, Connection[Any, Any]]":
        reading, writing = _fork.Pipe(duplex=False)
        process = _fork.Process(target=_member, args=(number, work, self._barrier, self._stop, writing), daemon=True)
        process.start()
        writing.close()
        return process, reading

    def stop(self) -> None:
        """Tell clients that look at their stop event that it is enough."""
        self._stop.set()

    def finish(self) -> Outcome:
        """Wait for all. Raises ClientFailedError, EOFError when a client was killed."""
        values: list[float] = []
        failures: list[str] = []
        for _, reading in self._members:
            answer = reading.recv()
            if isinstance(answer, str):
                failures.append(answer)
            else:
                values += answer
        seconds = time.monotonic() - self._begun
        for process, reading in self._members:
            process.join()
            reading.close()
        if failures:
            raise ClientFailedError(failures[0])
        return Outcome(seconds, values)


def _member(
    number: int, work: Callable[[int, Event], list[float]], barrier: Barrier, stop: Event, answer: Connection
) -> None:
    try:
        barrier.wait(60)
        answer.send(work(number, stop))
    except BaseException:
        answer.send(traceback.format_exc())

"""A webhook receiver that shares no code with the hub: it answers as told and remembers what came.

    with WebhookReceiver(answers=[500, Answer(hang=True)]) as receiver:
        ...                                   # the third and later requests get 200
        receiver.wait_for(3)
        receiver.requests[0].body

It runs in a thread of this process; `tests.servers.webhook_counter` is its twin for benchmarks.
"""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from tests.servers.ports import free_port
from tests.servers.scripted import Answer, listen
from tests.servers.server import wait_until


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came; `answered` is the status it got, None for silence and torn connections."""

    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    answered: int | None

    def events(self) -> list[dict[str, Any]]:
        """The events of an envelope. Raises ValueError for a body that is none."""
        events: list[dict[str, Any]] = json.loads(self.body)["events"]
        return events


@dataclass(slots=True)
class Script:
    """What to answer: first `queued`, one a request, then what is set for the path, then `default`."""

    default: Answer
    queued: list[Answer] = field(default_factory=list)
    by_path: dict[str, Answer] = field(default_factory=dict)

    def next_answer(self, path: str) -> Answer:
        if self.queued:
            return self.queued.pop(0)
        return self.by_path.get(path, self.default) if self.by_path else self.default


class WebhookReceiver:
    """The receiver in a thread of this process; it listens from `start` (or `with`) to `stop`, also again."""

    def __init__(self, answers: Iterable[Answer | int] = (), default: Answer | int = 200, port: int = 0) -> None:
        self.script = Script(_as_answer(default), [_as_answer(answer) for answer in answers])
        self.requests: list[Received] = []
        self.port = port or free_port()
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def url_of(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def answer_with(self, answer: Answer | int, path: str | None = None) -> None:
        """From now on; for one path only when it is named."""
        if path is None:
            self.script.default = _as_answer(answer)
        else:
            self.script.by_path[path] = _as_answer(answer)

    def events(self, path: str | None = None) -> list[dict[str, Any]]:
        """The events of all requests that got a 2xx, in order of arrival, repetitions included."""
        accepted = [
            request
            for request in tuple(self.requests)
            if request.answered is not None and request.answered < 300 and path in (None, request.path)
        ]
        return [event for request in accepted for event in request.events()]

    def wait_for(self, count: int, timeout_seconds: float = 20.0) -> list[Received]:
        """The requests, once there are so many. Raises AssertionError after the timeout."""
        if not wait_until(lambda: len(self.requests) >= count, timeout_seconds):
            raise AssertionError(f"{len(self.requests)} requests came within {timeout_seconds:g} s, not {count}")
        return self.requests

    def wait_for_event(
        self, matches: Callable[[dict[str, Any]], bool], timeout_seconds: float = 20.0
    ) -> dict[str, Any]:
        """The first accepted event that matches. Raises AssertionError after the timeout, listing what came."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = [event for event in self.events() if matches(event)]
            return bool(found)

        if not wait_until(look, timeout_seconds, 0.05):
            raise AssertionError(f"no such event within {timeout_seconds:g} s; there came {self.events()}")
        return found[0]

    def start(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(started,), name="webhook receiver")
        self._thread.start()
        if not started.wait(10):
            raise OSError(f"the webhook receiver could not listen on port {self.port}")
        return self

    def stop(self) -> None:
        """Stop listening and cut all connections; what came stays readable."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self, started: threading.Event) -> None:
        asyncio.run(self._serve(started))

    async def _serve(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = asyncio.Event()
        await listen(self.port, self._record, self._stopped, started.set)

    def _record(self, method: str, path: str, head: bytes, body: bytes) -> Answer:
        answer = self.script.next_answer(path)
        status = None if answer.hang or answer.reset else answer.status
        self.remember(Received(time.time(), method, path, _parse_headers(head), body, status))
        return answer

    def remember(self, request: Received) -> None:
        """What to do with a request; called in the receiver's thread. Override it where bodies would be too many."""
        self.requests.append(request)


def _as_answer(answer: Answer | int) -> Answer:
    return Answer(answer) if isinstance(answer, int) else answer


def _parse_headers(head: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.lower(): value.strip() for name, _, value in pairs}

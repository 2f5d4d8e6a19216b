"""The webhook receiver of the benchmarks: a process of its own that counts and keeps no bodies.

`python -m tests.servers.webhook_counter PORT` runs it; `WebhookCounter` starts that, steers it and reads its counts.
"""

import asyncio
import http.client
import json
import re
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.servers.ports import free_port, is_listening
from tests.servers.scripted import Answer, listen
from tests.servers.server import Server

CONTROL, COUNTS, ARRIVALS = "/-/answer/", "/-/counts", "/-/arrivals"
_ACTION = b'"action"'
_TAG = re.compile(rb'"tag": ?"(timed-[^"]+)"')


@dataclass(slots=True)
class Counts:
    """Times are seconds of `time.time()`; events are counted by their `action` keys."""

    requests: int = 0
    accepted_events: int = 0
    refused_events: int = 0
    last_accepted_at: float = 0.0


class _Counter:
    """Counts, and takes orders on two paths of its own."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.arrivals: dict[str, float] = {}
        self.answer = Answer()

    def __call__(self, method: str, path: str, head: bytes, body: bytes) -> Answer:
        if path.startswith("/-/"):
            return self._obey(path)
        counts = self.counts
        counts.requests += 1
        if self.answer.status < 300:
            counts.accepted_events += body.count(_ACTION)
            counts.last_accepted_at = time.time()
            self.arrivals.update((tag.decode(), counts.last_accepted_at) for tag in _TAG.findall(body))
        else:
            counts.refused_events += body.count(_ACTION)
        return self.answer

    def _obey(self, path: str) -> Answer:
        if path.startswith(CONTROL):
            self.answer, self.counts = Answer(int(path.removeprefix(CONTROL))), Counts()
            self.arrivals = {}
        if path == ARRIVALS:
            return Answer(body=json.dumps(self.arrivals).encode())
        return Answer(body=json.dumps(asdict(self.counts)).encode())


class WebhookCounter(Server):
    """The counting receiver in a process of its own."""

    def __init__(self, folder: Path) -> None:
        super().__init__("webhook-counter", folder)
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def argv(self) -> list[str]:
        return [sys.executable, "-m", "tests.servers.webhook_counter", str(self.port)]

    def working_folder(self) -> Path:
        return Path(__file__).parents[2]

    def is_ready(self) -> bool:
        return is_listening(self.port)

    def answer_with(self, status: int) -> None:
        """From now on; the counts begin anew."""
        self._ask(f"{CONTROL}{status}")

    def arrivals(self) -> dict[str, float]:
        """When the event of each tag that begins with `timed-` was accepted, in seconds of `time.time()`."""
        found: dict[str, float] = json.loads(self._ask(ARRIVALS))
        return found

    def counts(self) -> Counts:
        return Counts(**json.loads(self._ask(COUNTS)))

    def _ask(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(listen(int(sys.argv[1]), _Counter(), asyncio.Event(), lambda: None))

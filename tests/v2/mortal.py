"""Requests in processes that are killed before their n-th step that would last: at any moment a crash can come.

A step is whatever changes a file, a statement that changes a row, a commit, and the answer itself. One program sets
Django up and forks for each request.
"""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connections

from registryhub.database.lookups import Lookup
from tests.notifications.log.processes import database_url
from tests.v2.plane import make_plane

_ROOT = Path(__file__).parents[2]
_PROGRAM = """
import sys, django
django.setup()
from tests.v2.mortal import serve
serve(sys.argv[1])
"""
_CHANGES = ("write", "ftruncate", "rename", "unlink", "rmdir", "mkdir")


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked; `target` is percent-encoded."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class MortalPlane:
    """A data plane on the database of the unit tests and a folder, in processes of its own."""

    def __init__(self, folder: Path) -> None:
        self._host = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(folder)],
            cwd=_ROOT,
            env={**os.environ, "DATABASE_URL": database_url()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, request: Request, *, steps: int) -> int | None:
        """The status of the answer, or None when the process was killed after that many steps."""
        order = [request.method, request.target, dict(request.headers), base64.b64encode(request.body).decode(), steps]
        assert self._host.stdin is not None
        assert self._host.stdout is not None
        self._host.stdin.write(f"{json.dumps(order)}\n")
        self._host.stdin.flush()
        told = self._host.stdout.readline().split()
        assert told, "the program that forks has died"
        return int(told[1]) if told[0] == "answered" else None

    def close(self) -> None:
        assert self._host.stdin is not None
        assert self._host.stdout is not None
        self._host.stdin.close()
        self._host.wait(30)
        self._host.stdout.close()


class _Countdown:
    """Lets so many steps happen; before the next one the process kills itself."""

    def __init__(self, steps: int) -> None:
        self._left = steps

    def step(self) -> None:
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1

    def before(self, owner: Any, name: str) -> None:
        """Every call of it is a step."""
        real: Callable[..., Any] = getattr(owner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            self.step()
            return real(*arguments, **options)

        setattr(owner, name, call)

    def around_files(self) -> None:
        real = os.open

        def open_(path: str, flags: int, *arguments: Any, **options: Any) -> int:
            if flags & os.O_CREAT:
                self.step()
            return real(path, flags, *arguments, **options)

        os.open = open_  # type: ignore[assignment]
        for name in _CHANGES:
            self.before(os, name)

    def around_database(self) -> None:
        wrapper = connections["default"]

        def execute(run: Callable[..., Any], sql: str, *arguments: Any) -> Any:
            if not sql.lstrip().startswith("SELECT"):
                self.step()
            return run(sql, *arguments)

        wrapper.execute_wrappers.append(execute)
        self.before(wrapper, "_commit")
        self.before(Lookup, "_all_postgres")
        if hasattr(wrapper, "execute_relaxed"):
            self.before(wrapper, "execute_relaxed")


def serve(folder: str) -> None:
    """Read orders from standard input and carry out each in a child; tell how it ended."""
    plane = make_plane(Path(folder))
    for line in sys.stdin:
        method, target, headers, body, steps = json.loads(line)
        child = os.fork()
        if child == 0:
            countdown = _Countdown(steps)
            countdown.around_files()
            countdown.around_database()
            answer = plane.request(method, target, headers=headers, body=base64.b64decode(body))
            countdown.step()
            _tell(f"answered {answer.status}")
            os._exit(0)
        if os.waitpid(child, 0)[1] != 0:
            _tell("killed")


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

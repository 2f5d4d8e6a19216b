"""The relay and the shipper as processes of their own, on the database and in the data folder of the unit tests."""

import os
import signal
import sys
import textwrap
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from notifications.log.models import Consumer, LogHead
from tests.servers.server import Server

ROOT = Path(__file__).parents[3]

_START = """
import django
django.setup()
"""
_DIE = """
import itertools, os, signal
_calls = itertools.count(1)
def die(at):
    if next(_calls) == at:
        os.kill(os.getpid(), signal.SIGKILL)
def dying(owner, name, at, after=False):
    real = getattr(owner, name)
    def call(*args, **kwargs):
        if not after:
            die(at)
        answer = real(*args, **kwargs)
        if after:
            die(at)
        return answer
    setattr(owner, name, call)
"""


def end_of_leases() -> None:
    """Let the seconds pass after which the places of a dead process come free."""
    LogHead.objects.update(expires_at=None)
    Consumer.objects.update(expires_at=None)


class Program(Server):
    """Python code, run after Django is set up. Ready as soon as it runs.

    The code may say where it dies by SIGKILL: `dying(owner, name, at)` does so at the call of that number, `after=True`
    at its end.
    """

    def __init__(self, name: str, code: str, folder: Path) -> None:
        super().__init__(name, folder)
        self._code = _START + _DIE + textwrap.dedent(code)

    def argv(self) -> list[str]:
        return [sys.executable, "-c", self._code]

    def working_folder(self) -> Path:
        return ROOT

    def environment(self) -> dict[str, str]:
        return {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": f"{__package__}.book_settings"}

    def is_ready(self) -> bool:
        return self.is_running

    def run_until_it_dies(self) -> None:
        """It kills itself. Raises AssertionError when it goes on or ends otherwise."""
        self.prepare()
        self.launch()
        assert self._child is not None
        try:
            assert self._child.wait(30) == -signal.SIGKILL, self.log_tail()
        finally:
            self.kill()


class Relay(Program):
    """`manage.py relay`, or less than that: `fault` is code that lets it die somewhere."""

    def __init__(self, folder: Path, *, name: str = "relay", fault: str = "") -> None:
        run = "\nfrom django.core.management import call_command\ncall_command('relay')\n"
        super().__init__(name, textwrap.dedent(fault) + run, folder)

    def is_ready(self) -> bool:
        return LogHead.objects.filter(holder__contains=f":{self.pid}:").exists()


class Ship(Program):
    """`manage.py ship` on a folder."""

    def __init__(self, folder: Path, *, fault: str = "") -> None:
        run = "\nfrom django.core.management import call_command\ncall_command('ship')\n"
        super().__init__("ship", textwrap.dedent(fault) + run, folder)


def database_url() -> str:
    """Where the unit tests have their rows."""
    place = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{place['NAME']}"
    who = f"{quote(place['USER'])}:{quote(place['PASSWORD'])}"
    return f"postgres://{who}@{place['HOST']}:{place['PORT']}/{place['NAME']}"

"""A real supervisor over small programs: `python -m tests.processes.toys FOLDER NAME…`.

Each program notes in FOLDER/notes what happens to it, one line a time.
"""

import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from registryhub.processes.roles import Program
from registryhub.processes.supervisor import Supervisor
from tests.servers.server import Server

_PRELUDE = """
import os, signal, sys, time
def note(text):
    with open("notes", "a") as notes:
        notes.write(f"{text} {os.getpid()}\\n")
def on_term(handler):
    signal.signal(signal.SIGTERM, handler)
def go(*_):
    note(f"{name} stops")
    sys.exit()
"""

_SOURCES = {
    "calm": "on_term(go); note('calm runs'); time.sleep(600)",
    "second": "on_term(go); note('second runs'); time.sleep(600)",
    "slow": "on_term(lambda *_: (time.sleep(1), go())); note('slow runs'); time.sleep(600)",
    "short": "note('short runs'); sys.exit(3)",
    "stubborn": "on_term(signal.SIG_IGN); note('stubborn runs'); time.sleep(600)",
    "patient": "on_term(signal.SIG_IGN); note('patient runs'); time.sleep(600)",
    "heir": "on_term(go); note('heir runs'); os.write(int(os.environ['REGISTRYHUB_READY_DESCRIPTOR']), b'.');"
    "time.sleep(600)",
    "weakling": "on_term(go); note('weakling runs'); os.path.exists('broken') and sys.exit(4); time.sleep(600)",
}


@dataclass(frozen=True, slots=True)
class Toy(Program):
    """A program of a few lines of Python."""

    def argv(self) -> list[str]:
        return [sys.executable, "-c", f"{_PRELUDE}\nname = {self.command!r}\n{_SOURCES[self.command]}"]


def toy(name: str) -> Toy:
    return Toy(
        name,
        stop_seconds=60 if name == "patient" else 5 if name == "slow" else 0.5,
        stop_wave=0 if name == "slow" else 1,
        hands_over=name in ("heir", "weakling"),
    )


class Toys(Server):
    """The supervisor as a process; ready when its first program runs."""

    ready_seconds = 10.0

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        super().__init__("toys", folder)
        self.names = names

    def argv(self) -> list[str]:
        return [sys.executable, "-m", "tests.processes.toys", *self.names]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

    def is_ready(self) -> bool:
        return {line.split()[0] for line in self.notes() if " runs " in line} >= set(self.names)

    def notes(self) -> list[str]:
        try:
            return (self.folder / "notes").read_text().splitlines()
        except FileNotFoundError:
            return []

    def count(self, beginning: str) -> int:
        return sum(line.startswith(beginning) for line in self.notes())


def _problem() -> str | None:
    return "the file says no" if os.path.exists("refuse") else None


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    Supervisor([toy(name) for name in sys.argv[1:]], reload_problem=_problem, announce=print).run()

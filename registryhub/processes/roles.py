"""What runs on a node: a role stands for the programs that the supervisor starts for it."""

import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

WEB_DRAIN_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Program:
    """A command of `manage.py` that runs until it is told to stop.

    `stop_seconds` is how long it may take to stop before it is killed; `stop_wave` is when its turn comes, those of one
    wave stop at once. One that `hands_over` is replaced by a
    successor that runs beside it until it is ready, so that a reload refuses nobody; it says so through the
    descriptor named in the environment (see `readiness`).
    """

    command: str
    stop_seconds: float
    stop_wave: int = 1
    hands_over: bool = False

    def argv(self) -> list[str]:
        return [sys.executable, str(Path(sys.argv[0]).resolve()), self.command]


# Whoever makes events stops before whoever carries them on.
WEB = Program("web", stop_seconds=WEB_DRAIN_SECONDS + 3, stop_wave=0, hands_over=True)
SHIP = Program("ship", stop_seconds=10)
RELAY = Program("relay", stop_seconds=10)
WORKER = Program("worker", stop_seconds=10)
DEBUG = Program("debug", stop_seconds=5)

ROLES = {"web": (WEB, SHIP), "relay": (RELAY,), "worker": (WORKER,)}


class UnknownRole(ValueError):
    """A role that does not exist; the message lists those that do."""


def parse_roles(text: str) -> tuple[str, ...]:
    """The roles of `--role web,relay`, in the order of the table. Raises UnknownRole."""
    wanted = {word.strip() for word in text.split(",") if word.strip()}
    if not wanted or wanted - ROLES.keys():
        unknown = ", ".join(sorted(wanted - ROLES.keys())) or "none"
        raise UnknownRole(f"unknown role: {unknown}. The roles are {', '.join(ROLES)}; several are joined by commas.")
    return tuple(role for role in ROLES if role in wanted)


def programs(roles: Collection[str], *, with_debug: bool = False) -> list[Program]:
    """What to start for the roles, and beside them the debug server when an address is set for it."""
    chosen = [program for role in ROLES if role in roles for program in ROLES[role]]
    return [*chosen, DEBUG] if with_debug else chosen

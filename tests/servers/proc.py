"""Processes as /proc shows them: who runs, whose child it is, which run of the tests started it."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """One process at the moment of looking. `state` is the kernel's letter; a zombie (`Z`) only waits to be reaped."""

    pid: int
    parent: int
    state: str
    argv: tuple[str, ...]

    @property
    def command(self) -> str:
        return " ".join(self.argv)

    def __str__(self) -> str:
        return f"{self.pid} (child of {self.parent}, {self.state}) {self.command}"


def look(pid: int) -> Process | None:
    """The process, or None when there is none of that number (any more)."""
    with suppress(OSError):
        stat = (PROC / str(pid) / "stat").read_text()
        argv = (PROC / str(pid) / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        state, parent = stat.rpartition(")")[2].split()[:2]
        return Process(pid, int(parent), state, tuple(word.decode(errors="replace") for word in argv))
    return None


def all_processes() -> Iterator[Process]:
    for entry in os.listdir(PROC):
        if entry.isdigit() and (process := look(int(entry))):
            yield process


def descendants(pid: int) -> list[Process]:
    """Children, their children and so on, parents first; zombies are left out."""
    children: dict[int, list[Process]] = {}
    for process in all_processes():
        if process.state != "Z":
            children.setdefault(process.parent, []).append(process)
    found: list[Process] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(0), [])
        found += below
        waiting += [process.pid for process in below]
    return found


def is_alive(pid: int) -> bool:
    process = look(pid)
    return process is not None and process.state not in "ZX"


def peak_memory_bytes(pid: int) -> int:
    """The most memory the process ever held (VmHWM), since `reset_peak_memory`. Raises OSError when it is gone."""
    for line in (PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def reset_peak_memory(pid: int) -> None:
    """Begin the measuring of `peak_memory_bytes` anew. Raises OSError when the process is gone or someone else's."""
    (PROC / str(pid) / "clear_refs").write_text("5")


def belongs_to(process: Process, folder: Path) -> bool:
    """Whether a run of the tests that works in `folder` started the process.

    Any of three signs will do, for a daemon may lose each of them: the folder in its environment (rewritten titles
    destroy it), in its arguments, or as the place of its output.
    """
    name = os.fsencode(folder)
    if os.fsdecode(name) in process.command:
        return True
    with suppress(OSError):
        if name in (PROC / str(process.pid) / "environ").read_bytes():
            return True
    for descriptor in ("0", "1", "2"):
        with suppress(OSError):
            if os.readlink(PROC / str(process.pid) / "fd" / descriptor).startswith(str(folder)):
                return True
    return False

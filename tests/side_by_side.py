"""`python -m tests.side_by_side`: all tests, in parts that run beside one another.

Each part waits for much of its time: for disks, for programs that start, for clocks. What a part prints is kept and
shown whole when it ends, so that it reads as if it had run alone; until then a line a minute says how far all are.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.servers import leash

PARTS = {
    "SQLite": ("--database=sqlite", "--part=shared"),
    "PostgreSQL": ("--database=postgres",),
    "once": ("--database=sqlite", "--part=own"),
}
"""What pytest is told; in the last one is what no database has a part in."""

_PROGRESS = re.compile(r"\[ *(\d+%)\]")


@dataclass(frozen=True, slots=True)
class Part:
    """A program that runs as a child, what it prints, and when it began."""

    name: str
    child: subprocess.Popen[bytes]
    log: Path
    began_at: float

    @property
    def is_through(self) -> bool:
        return self.child.poll() is not None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def progress(self) -> str:
        """The last share that pytest printed."""
        shares = _PROGRESS.findall(self.output())
        return f"{self.name} {shares[-1] if shares else 'begins'}"

    def end(self) -> str:
        status, seconds = self.child.returncode, time.monotonic() - self.began_at
        return f"{'well' if status == 0 else f'FAILED with status {status}'} after {seconds / 60:.1f} minutes"


def run_beside(programs: Mapping[str, Sequence[str]], *, every_seconds: float = 60.0, look_seconds: float = 0.2) -> int:
    """Run all programs at once and print what each has printed when it ends; 0 when every one ended well, else 1.

    Stopped by Ctrl-C, it waits for them: they were told by the same key, and clean up.
    """
    with tempfile.TemporaryDirectory(prefix="registryhub-tests-") as folder, ExitStack() as waits:
        running = [_start(name, argv, Path(folder)) for name, argv in programs.items()]
        parts = list(running)
        for part in parts:
            waits.callback(part.child.wait)
        told_at = time.monotonic()
        while running:
            time.sleep(look_seconds)
            for part in [part for part in running if part.is_through]:
                running.remove(part)
                print(f"\n===== {part.name}: {part.end()} =====\n{part.output()}", flush=True)
            if running and time.monotonic() - told_at >= every_seconds:
                told_at = time.monotonic()
                print(", ".join(part.progress() for part in running), flush=True)
        return int(any(part.child.returncode for part in parts))


def _start(name: str, argv: Sequence[str], folder: Path) -> Part:
    """On a leash: it ends as by Ctrl-C when this process is killed."""
    log = folder / f"{name}.log"
    tied = [sys.executable, "-I", "-S", leash.__file__, str(os.getpid()), str(int(signal.SIGINT)), "-", *argv]
    with log.open("wb") as file:
        child = subprocess.Popen(tied, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT)
    return Part(name, child, log, time.monotonic())


if __name__ == "__main__":
    programs = {name: [sys.executable, "-m", "pytest", *words, *sys.argv[1:]] for name, words in PARTS.items()}
    print("Running three parts side by side; each prints when it is through:", ", ".join(PARTS), flush=True)
    sys.exit(run_beside(programs))

"""One run of the tests or the benchmarks: its folder, and the promise that nothing it started is left."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.proc import Process, all_processes, belongs_to, look

FOLDER_VARIABLE = "REGISTRYHUB_TEST_FOLDER"


class StrayProcessError(AssertionError):
    """Processes outlived the run that started them; the message lists them."""


def begin_run() -> Path:
    """Make the folder of a run and name it in the environment, where every process started from here inherits it."""
    folder = Path(tempfile.mkdtemp(prefix="registryhub-test-"))
    folder.chmod(0o711)  # PostgreSQL runs as another user when we are root, and must get through
    os.environ[FOLDER_VARIABLE] = str(folder)
    return folder


def end_run(folder: Path) -> None:
    """Remove the folder."""
    os.environ.pop(FOLDER_VARIABLE, None)
    shutil.rmtree(folder, ignore_errors=True)


def run_folder() -> Path:
    """The folder of the run that this process belongs to; KeyError outside of one."""
    return Path(os.environ[FOLDER_VARIABLE])


def new_folder(name: str) -> Path:
    """A new folder within the run's, short enough in path for Unix sockets (107 bytes)."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=run_folder()))


def strays(folder: Path, *, patience_seconds: float = 5.0) -> list[Process]:
    """The processes of the run that are still there after a moment of patience, without us and our ancestors."""
    family = set(_ancestors(os.getpid()))
    deadline = time.monotonic() + patience_seconds
    while True:
        left = [
            process
            for process in all_processes()
            if process.pid not in family and process.state != "Z" and belongs_to(process, folder)
        ]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


@contextmanager
def a_run() -> Iterator[Path]:
    """A run as a context: `with a_run() as folder`. Raises StrayProcessError at the end when something is left."""
    folder = begin_run()
    try:
        yield folder
        if left := strays(folder):
            raise StrayProcessError("processes are left:\n" + "\n".join(map(str, left)))
    finally:
        end_run(folder)


def _ancestors(pid: int) -> Iterator[int]:
    while pid > 0 and (process := look(pid)):
        yield pid
        pid = process.parent

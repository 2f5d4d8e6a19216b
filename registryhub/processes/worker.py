"""The worker: Celery with threads, and beat as one of them."""

import logging
import signal
import threading
from pathlib import Path
from types import FrameType

from celery import Celery
from celery.beat import Service
from celery.worker import state
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)

APP = "registryhub.celery.app"
THREADS = 4
_PAUSE_SECONDS = 10.0


class Beat(threading.Thread):
    """Sends what the schedule says. It begins anew after an error (a full disk, say), and is daemonic."""

    def __init__(self, app: Celery, schedule: Path) -> None:
        super().__init__(name="beat", daemon=True)
        self._app = app
        self._schedule = schedule

    def run(self) -> None:
        pause = threading.Event()
        while True:
            try:
                Service(self._app, schedule_filename=str(self._schedule)).start()
            except Exception:
                logger.exception("beat stopped and begins anew in %.0f s", _PAUSE_SECONDS)
            pause.wait(_PAUSE_SECONDS)


def work(*, folder: Path) -> int:
    """Carry out tasks until SIGTERM, then finish those that run. The exit status. Beat keeps its notes in `folder`.

    Threads and not processes: tasks wait for disks, databases and other machines, and nothing outlives a `kill -9`.
    Several workers each have a beat; what they start is safe to be started twice.
    """
    app: Celery = import_string(APP)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    Beat(app, folder / "beat").start()
    worker = app.WorkController(
        pool="threads", concurrency=THREADS, without_gossip=True, without_mingle=True, without_heartbeat=True
    )
    worker.start()
    return int(worker.exitcode or 0)


def _stop(number: int, frame: FrameType | None) -> None:
    """With tasks at hand the worker ends after them; else at once, and not after the seconds it waits for messages."""
    setattr(state, "should_stop", 0)  # noqa: B010 - the stubs know only its first value, None
    if not state.reserved_requests:
        raise SystemExit(0)

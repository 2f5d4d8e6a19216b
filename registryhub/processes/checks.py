"""The doctor's checks of what the hub runs on, for settings.DOCTOR_CHECKS."""

import os
import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import redis
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from registryhub.config.model import Config
from registryhub.doctor.examination import Visit
from registryhub.doctor.findings import Finding, State
from registryhub.doctor.models import Checkup
from registryhub.doctor.patience import SLOW_SECONDS, wait_until
from registryhub.doctor.tasks import answer
from registryhub.processes.database import pending_migrations
from registryhub.processes.locks import who_serves
from registryhub.processes.roles import ROLES
from registryhub.workers import wake

MOST_SKEW_SECONDS = 2.0
_REDIS_SECONDS = 3.0


def look_at_configuration(visit: Visit) -> Iterator[Finding]:
    """It could be read, or nothing would run; what is probably not meant is told."""
    config: Config = settings.HUB
    problems = [str(problem) for problem in config.warnings]
    if problems:
        yield Finding("configuration", "warning", "; ".join(problems), "Correct it, then reload the hub.")
    else:
        yield Finding("configuration", "ok", "is valid")


def look_at_programs(visit: Visit) -> Iterator[Finding]:
    """Which roles are served from this data folder; others may be on other nodes."""
    data: Path = settings.DATA_DIR
    serving = {role: who for role in ROLES if (who := who_serves(data, role)) is not None}
    if serving:
        words = ", ".join(f"{role} (process {who})" for role, who in serving.items())
        yield Finding("programs", "ok", f"this node serves {words}")
        return
    words = f"the hub does not run here: nothing is served from {data}"
    yield Finding("programs", "warning", words, "Start it with manage.py serve, or run this where it is served.")


def look_at_disks(visit: Visit) -> Iterator[Finding]:
    """Room and permission, of the data folder and of the storage."""
    config: Config = settings.HUB
    for name, folder in (("data folder", settings.DATA_DIR), ("storage folder", config.storage.driver.rootdirectory)):
        yield _look_at_folder(name, folder, config.hub.limits.free_bytes)


def _look_at_folder(name: str, folder: Path, floor_bytes: int) -> Finding:
    place = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(place).free
    room = f"{free >> 20:,} MiB are free in {folder}"
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding(name, "stopped", f"{place} cannot be written", "Let the user of the hub write there.")
    if free < floor_bytes:
        return Finding(name, "stopped", f"{room}; pushes are refused (hub.limits.free_bytes)", "Free some room.")
    if free < 2 * floor_bytes:
        return Finding(name, "warning", f"{room}; soon pushes are refused (hub.limits.free_bytes)", "Free some room.")
    return Finding(name, "ok", room)


def look_at_database(visit: Visit) -> Iterator[Finding]:
    """Whether it answers, has the tables of this code, and agrees about the time."""
    began = time.monotonic()
    try:
        now, seconds = _read_clock(), time.monotonic() - began
    except (DatabaseError, InterfaceError) as error:
        words = f"does not answer: {' '.join(str(error).split())}"
        yield Finding("database", "stopped", words, "Start it, or correct hub.database.url (DATABASE_URL).")
        return
    state: State = "ok" if seconds <= SLOW_SECONDS else "slow"
    yield Finding("database", state, f"{connection.display_name} answers", seconds=seconds)
    if now is not None:
        yield _compare_clocks(now, timezone.now(), seconds)
    pending = pending_migrations()
    if pending:
        words = f"{len(pending)} are pending, the first is {pending[0]}"
        yield Finding("migrations", "stopped", words, "Make a backup, then start with serve --migrate.")
    else:
        yield Finding("migrations", "ok", "all are applied")


def _read_clock() -> datetime | None:
    """The database's, if it has one of its own. Raises DatabaseError."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()" if connection.vendor == "postgresql" else "SELECT NULL")
        now: datetime | None = cursor.fetchone()[0]
        return now


def _compare_clocks(database: datetime, host: datetime, seconds: float) -> Finding:
    """`seconds` is how long it took to ask: by so much they may seem to differ."""
    skew = abs(database - host) / timedelta(seconds=1)
    if skew <= MOST_SKEW_SECONDS + seconds:
        return Finding("clock", "ok", f"this machine and the database differ by {skew:.1f} s")
    words = f"this machine and the database differ by {skew:.0f} s: times of events and of leases do not fit together"
    return Finding("clock", "warning", words, "Let both follow a time server.")


def look_at_redis(visit: Visit) -> Iterator[Finding]:
    """Where it is used: it carries the messages that wake workers."""
    url = settings.HUB.redis_url
    if url is None:
        return
    try:
        with redis.Redis.from_url(url, socket_timeout=_REDIS_SECONDS, socket_connect_timeout=_REDIS_SECONDS) as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        words = f"does not answer: {error}; workers find what waits by themselves, seconds later"
        yield Finding("redis", "stopped", words, "Start it, or correct hub.redis.url (REDIS_URL).")
    else:
        yield Finding("redis", "ok", "answers")


def ask_worker(visit: Visit) -> Iterator[Finding]:
    """Send the message of a task and see whether a worker carries it out."""
    if visit.checkup is None:
        yield Finding("worker", "skipped", "no row could be made for it to answer in")
        return
    began = time.monotonic()
    wake(answer.name, visit.checkup)
    asked = Checkup.objects.filter(pk=visit.checkup).exclude(worker_answered_at=None)
    if wait_until(asked.exists, visit.patience_seconds):
        seconds = time.monotonic() - began
        state: State = "ok" if seconds <= SLOW_SECONDS else "slow"
        yield Finding("worker", state, "has carried out a task", seconds=seconds)
        return
    words = f"none has answered within {visit.patience_seconds:g} s: no deployment, no garbage collection, no retention"
    yield Finding("worker", "stopped", words, "Start the role worker; if it runs, all its threads are busy.")

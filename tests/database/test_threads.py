"""Connections end with the thread that opened them."""

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from django.db import connection, connections, transaction

from registryhub.access.models import Source
from registryhub.database.threads import own_wrapper
from tests.servers.server import wait_until


@contextmanager
def lazy_collector() -> Iterator[None]:
    """As in a web process, where the collector hardly ever comes."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def open_logs() -> int:
    """How many connections to a SQLite database this process has: each has the write-ahead log open.

    The file of the database says less: SQLite keeps its descriptor for the next connection while any other is open,
    because closing it would drop the locks of all (sqlite.org/howtocorrupt.html, section 2.2).
    """
    log = f"{connection.settings_dict['NAME']}-wal"
    count = 0
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            count += os.readlink(f"/proc/self/fd/{descriptor}") == log
    return count


def write() -> None:
    with transaction.atomic():
        Source.objects.select_for_update().filter(pk=1).update(is_public=False)


def write_in_threads(number: int) -> int:
    """One thread after the other; how many could write."""
    done = []

    def work() -> None:
        write()
        done.append(True)

    for _ in range(number):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    return len(done)


@pytest.mark.only_database("sqlite")
@pytest.mark.django_db(transaction=True)
def test_a_thread_that_ends_leaves_no_file_open() -> None:
    write()
    before = open_logs()
    assert before
    with lazy_collector():
        assert write_in_threads(40) == 40
        assert wait_until(lambda: open_logs() <= before, 10)


@pytest.mark.only_database("postgres")
@pytest.mark.django_db(transaction=True)
def test_a_thread_that_ends_gives_back_its_place_in_the_pool() -> None:
    """Far more threads than places."""
    number = 5 * connection.settings_dict["OPTIONS"]["pool_size"]
    with lazy_collector():
        assert write_in_threads(number) == number


FOREIGN = """
import ctypes, sys
import django
django.setup()
from django.db import connection

CALLBACK = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)

@CALLBACK
def work(_):
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return None

libc = ctypes.CDLL(None)
for _ in range(20):
    thread = ctypes.c_ulong()
    assert libc.pthread_create(ctypes.byref(thread), None, work, None) == 0
    assert libc.pthread_join(thread, None) == 0
print("alive")
"""


def test_a_thread_that_python_did_not_start_may_end_too() -> None:
    """The web server's threads are such: their end must not take the process with it."""
    done = subprocess.run([sys.executable, "-c", FOREIGN], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


def test_each_thread_has_a_wrapper_of_its_own() -> None:
    """The one that Django gives it, each time."""
    found: list[tuple[object, object, object]] = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: found.append((own_wrapper(), own_wrapper(), connections["default"])))
        thread.start()
        thread.join()
    assert all(first is again is django for first, again, django in found)
    assert found[0][0] is not found[1][0]
    assert own_wrapper() is connections["default"]

"""Connections end with the thread that opened them."""

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from django.db import connection, transaction

from registryhub.access.models import Source
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


def open_places() -> int:
    """What this process has open of the database."""
    count = 0
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            name = os.readlink(f"/proc/self/fd/{descriptor}")
            count += str(connection.settings_dict["NAME"]) in name or name.startswith("socket:")
    return count


def write() -> None:
    with transaction.atomic():
        Source.objects.select_for_update().filter(pk=1).update(is_public=False)


@pytest.mark.django_db(transaction=True)
def test_a_thread_that_ends_leaves_nothing_open() -> None:
    """Neither files of SQLite nor places in the pool of PostgreSQL, without the collector's help."""
    write()
    with lazy_collector():
        before = open_places()
        for _ in range(40):
            thread = threading.Thread(target=write)
            thread.start()
            thread.join()
        assert wait_until(lambda: open_places() <= before + 1, 10)


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

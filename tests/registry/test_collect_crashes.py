"""kill -9 at each step of a collection: the store is consistent, and the next one ends what it began."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from registryhub.registry import tags
from registryhub.registry.collect.work import work_off
from registryhub.registry.models import Blob, Collection
from registryhub.registry.room import Store
from registryhub.storage import paths
from tests.notifications.log.processes import database_url
from tests.registry.collecting import (
    assert_consistent,
    assert_nothing_unreferenced,
    is_whole,
    on_disk,
    push_blob,
    push_image,
    push_index,
)
from tests.registry.stage import CONTEXT
from tests.registry.stores import store_in

pytestmark = pytest.mark.django_db(transaction=True)

_ROOT = Path(__file__).parents[2]
_CODE = """
import itertools, os, signal, sys
import django
django.setup()
from django.core.management import call_command
from registryhub.registry import rows
from registryhub.registry.collect import contents, files, links, runs, untagged, windows
from registryhub.storage.filesystem import FilesystemDriver

windows.ROWS, links.BATCH, contents.HOLD_SECONDS = 4, 2, 0.0

def dying(owner, name, at, after=False):
    real, calls = getattr(owner, name), itertools.count(1)
    def call(*args, **kwargs):
        count = next(calls)
        if count == at and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(*args, **kwargs)
        if count == at and after:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    setattr(owner, name, call)

eval(sys.argv[1])
call_command("garbage_collect", delete_untagged=True, grace=0.0)
"""
MOMENTS = {
    "before anything": "dying(runs.Run, 'enter', 1)",
    "with a manifest held": "dying(rows, 'lock', 2, after=True)",
    "with a manifest removed, not for good": "dying(rows, 'remove', 2, after=True)",
    "between an index and its children": "dying(runs.Run, 'step', 1, after=True)",
    "with blobs held": "dying(links, 'lock_blobs', 2, after=True)",
    "with links removed, not for good": "dying(links, '_remove_file', 3)",
    "with the file of a link removed": "dying(links, '_remove_file', 3, after=True)",
    "between two windows": "dying(runs.Run, 'advance', 3)",
    "between two phases": "dying(runs.Run, 'enter', 2, after=True)",
    "before the bytes of a blob are removed": "dying(contents, 'erase', 2)",
    "within the removal of the bytes": "dying(os, 'rmdir', 6)",
    "with bytes removed, and rows not yet": "dying(contents, 'erase', 2, after=True)",
    "before a file without a row is removed": "dying(files, 'erase', 1)",
    "with a file without a row removed": "dying(files, 'erase', 1, after=True)",
    "before it is written down as ended": "dying(runs.Run, 'end', 1)",
}


def fill(store: Store) -> None:
    """Images to keep, and garbage of each kind."""
    push_image(store, "app", "kept", "v1")
    push_index("app", [push_image(store, "app", text) for text in ("kept amd64", "kept arm64")], "multi")
    push_index("app", [push_image(store, "app", text) for text in ("old amd64", "old arm64")], "old")
    tags.delete(CONTEXT, "app", "old")
    for number in range(6):
        digest = push_blob(store, f"app{number % 2}", b"garbage %d" % number)
        store.driver.write(paths.link(paths.layer_folder(f"app{number % 2}", digest.algorithm, digest.hex)), b"link")
    lost = push_blob(store, "app", b"lost its row")
    Blob.objects.filter(digest=str(lost)).delete()


def collect_until_killed(store: Store, moment: str) -> None:
    """In a process of its own, which ends by its own kill -9."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": str(store.data / "root"),
    }
    result = subprocess.run(
        [sys.executable, "-c", _CODE, moment],
        cwd=_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == -signal.SIGKILL, result.stdout + result.stderr


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_collection_that_is_killed_is_ended_by_the_next(tmp_path: Path, moment: str) -> None:
    """Nothing that is needed is lost at any moment, and in the end no byte is left that nobody needs."""
    store = store_in(tmp_path, "filesystem")
    fill(store)
    collect_until_killed(store, MOMENTS[moment])
    assert_consistent(store)
    died = Collection.objects.get()
    assert died.state == "running"
    Collection.objects.update(expires_at=None)  # the seconds of its lease are over
    work_off(store.driver, lambda: False)
    died.refresh_from_db()
    assert died.state == "finished"
    Collection.objects.create(grace_seconds=0.0, untagged_seconds=0.0)
    work_off(store.driver, lambda: False)
    assert_consistent(store)
    assert_nothing_unreferenced(store)
    assert all(is_whole(store, text, "app") for text in ("kept", "kept amd64", "kept arm64"))
    assert len(on_disk(store)) == 6

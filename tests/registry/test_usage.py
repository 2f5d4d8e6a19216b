"""How much is stored, and how much room is left."""

import shutil
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registryhub.access.repositories import ensure_repository
from registryhub.registry.usage import Usage, measure_repository, measure_usage
from tests.registry.stage import link_blob

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    cache.clear()


def test_each_blob_counts_once(tmp_path: Path) -> None:
    """However many repositories have it."""
    for repository in ("one", "two"):
        link_blob(repository, b"12345")
    link_blob("two", b"123")
    usage = measure_usage(tmp_path)
    assert (usage.blobs, usage.stored_bytes) == (2, 8)
    assert usage.disk_bytes == shutil.disk_usage(tmp_path).total
    assert [measure_repository(ensure_repository(1, name)) for name in ("one", "two", "new")] == [5, 8, 0]


def test_a_folder_that_is_not_made_yet_will_be_on_the_disk_above_it(tmp_path: Path) -> None:
    """A hub that has stored nothing has a disk too."""
    assert measure_usage(tmp_path / "not" / "yet").disk_bytes == shutil.disk_usage(tmp_path).total


def test_the_database_is_asked_once_a_minute(tmp_path: Path) -> None:
    """Adding up millions of rows is not for every page."""
    link_blob("one", b"12345")
    key = ensure_repository(1, "one")
    measure_usage(tmp_path)
    measure_repository(key)
    with CaptureQueriesContext(connection) as queries:
        assert measure_usage(tmp_path).stored_bytes == measure_repository(key) == 5
    assert len(queries) == 0


def test_a_disk_is_full_by_whatever_is_on_it() -> None:
    """In percent; of an unknown one nothing is said."""
    assert Usage(1, 5, 25, 100).used_percent == 75
    assert Usage(1, 5, None, None).used_percent is None
    assert Usage(1, 5, 0, 0).used_percent is None

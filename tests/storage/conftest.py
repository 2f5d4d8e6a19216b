"""One suite for all drivers: `driver` is each of them in turn."""

from pathlib import Path

import pytest

from registryhub.storage.base import StorageDriver
from registryhub.storage.filesystem import FilesystemDriver
from registryhub.storage.memory import MemoryDriver


@pytest.fixture(params=["filesystem", "memory"])
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> StorageDriver:
    """An empty driver."""
    if request.param == "memory":
        return MemoryDriver()
    return FilesystemDriver(tmp_path / "root")

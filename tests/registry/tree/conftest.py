"""Fixtures of the folder."""

from pathlib import Path

import pytest

from registryhub.storage.filesystem import FilesystemDriver


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Where the driver keeps its files."""
    return tmp_path / "root"


@pytest.fixture
def driver(root: Path) -> FilesystemDriver:
    """An empty driver."""
    return FilesystemDriver(root)

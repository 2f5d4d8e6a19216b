"""Blobs that nothing refers to, as files in the tree that both registries share."""

from collections.abc import Iterator
from pathlib import Path

from registryhub.storage import paths

BLOB_BYTES = 4096


def write_blobs(root: Path, first: int, last: int) -> None:
    """Their digests are their numbers: whoever collects garbage does not look inside."""
    for number in range(first, last + 1):
        file = _file(root, number)
        file.parent.mkdir(parents=True)
        file.write_bytes(b"%*d" % (BLOB_BYTES, number))


def left_blobs(root: Path, first: int, last: int) -> Iterator[Path]:
    """Those that are still there."""
    return (file for number in range(first, last + 1) if (file := _file(root, number)).exists())


def _file(root: Path, number: int) -> Path:
    return root / paths.blob_data("sha256", f"{number:064x}")

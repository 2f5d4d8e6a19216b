"""Stores for the tests of blobs and uploads, bodies to send into them, and what is left afterwards."""

import io
from contextlib import closing
from pathlib import Path

from registryhub.oci.digests import Digest
from registryhub.registry.ingest import Incoming
from registryhub.registry.room import Store
from registryhub.storage import paths
from registryhub.storage.base import PathNotFound, StorageDriver
from registryhub.storage.filesystem import FilesystemDriver
from registryhub.storage.memory import MemoryDriver

KINDS = ("filesystem", "memory")


def store_in(folder: Path, kind: str, *, floor_bytes: int = 0) -> Store:
    """An empty store whose database is, as far as it knows, in the same folder."""
    driver: StorageDriver = MemoryDriver() if kind == "memory" else FilesystemDriver(folder / "root")
    return Store(driver, folder, floor_bytes)


def body(content: bytes, promised_bytes: int | None = -1) -> Incoming:
    """A body that promises its own length unless told otherwise."""
    return Incoming(io.BytesIO(content), len(content) if promised_bytes == -1 else promised_bytes)


NOTHING = b""


def stored(store: Store, digest: Digest) -> bytes | None:
    """The bytes of a blob in their place, or None."""
    try:
        reader = store.driver.open_reader(paths.blob_data(digest.algorithm, digest.hex))
    except PathNotFound:
        return None
    with closing(reader):
        return b"".join(reader)


def leftovers(store: Store, repository: str) -> list[str]:
    """The uploads that are still on the disk."""
    try:
        return store.driver.names(paths.uploads_folder(repository))
    except PathNotFound:
        return []

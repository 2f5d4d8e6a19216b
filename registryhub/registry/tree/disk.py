"""The links of the disk tree (reference E.1): written where they are missing, removed, listed.

They are written quickly, and are safe after the next `sync` of the driver. A file that a loss of power cut off in the
middle is shorter than it should be, and is written again.
"""

from collections.abc import Iterator
from contextlib import closing

from registryhub.oci.digests import Digest, parse_digest
from registryhub.oci.errors import OciError
from registryhub.oci.names import parse_repository, parse_tag
from registryhub.storage import paths
from registryhub.storage.base import PathNotFound, StorageDriver


class Tree:
    """Counts what it has `written` and `removed`. Raises StorageFull and OSError."""

    def __init__(self, driver: StorageDriver) -> None:
        self.driver = driver
        self.written = 0
        self.removed = 0
        self.strangers: list[str] = []

    def write_blob(self, digest: Digest, content: bytes) -> None:
        path = paths.blob_data(digest.algorithm, digest.hex)
        if self.size(path) != len(content):
            self._write(path, content)

    def write_layer(self, repository: str, digest: Digest) -> bool:
        """Whether it was missing."""
        return self._link(paths.layer_folder(repository, digest.algorithm, digest.hex), digest)

    def remove_layer(self, repository: str, digest: Digest) -> None:
        self.remove(paths.layer_folder(repository, digest.algorithm, digest.hex))

    def write_revision(self, repository: str, digest: Digest) -> None:
        self._link(paths.revision_folder(repository, digest.algorithm, digest.hex), digest)

    def remove_revision(self, repository: str, digest: Digest) -> None:
        self.remove(paths.revision_folder(repository, digest.algorithm, digest.hex))

    def has_revision(self, repository: str, digest: Digest) -> bool:
        return self.size(paths.link(paths.revision_folder(repository, digest.algorithm, digest.hex))) >= 0

    def point_tag(self, repository: str, tag: str, digest: Digest) -> None:
        """What it points at now is in its index too."""
        self.index_tag(repository, tag, digest)
        folder = paths.tag_current(repository, tag)
        if self.read_link(folder) != str(digest):
            self._write(paths.link(folder), str(digest).encode())

    def index_tag(self, repository: str, tag: str, digest: Digest) -> None:
        self._link(paths.tag_index_folder(repository, tag, digest.algorithm, digest.hex), digest)

    def unindex_tag(self, repository: str, tag: str, digest: Digest) -> None:
        self.remove(paths.tag_index_folder(repository, tag, digest.algorithm, digest.hex))

    def remove_tag(self, repository: str, tag: str) -> None:
        self.remove(paths.tag_folder(repository, tag))

    def remove_repository(self, repository: str) -> None:
        """All but its uploads, and the repositories below it."""
        self.remove(paths.manifests_folder(repository))
        self.remove(paths.layers_folder(repository))

    def remove(self, path: str) -> None:
        try:
            self.driver.delete(path)
        except PathNotFound:
            return
        self.removed += 1

    def size(self, path: str) -> int:
        """Bytes of a file; -1 when there is none."""
        try:
            return self.driver.size(path)
        except PathNotFound:
            return -1

    def names(self, folder: str) -> list[str]:
        """What is in the folder, nothing when there is none."""
        try:
            return self.driver.names(folder)
        except PathNotFound:
            return []

    def read_link(self, folder: str) -> str | None:
        """The text of the folder's link (or how it begins, if it is none of ours); None when there is none."""
        try:
            with closing(self.driver.open_reader(paths.link(folder))) as reader:
                return next(iter(reader), b"").decode("ascii", "replace")
        except PathNotFound:
            return None

    def repositories(self, below: str = "") -> Iterator[str]:
        """Every repository that has manifests or layers. Names that are none are put among the `strangers`."""
        for name in self.names(paths.repository_folder(below) if below else paths.REPOSITORIES):
            repository = f"{below}/{name}" if below else name
            if name.startswith("_"):
                continue
            if not _is_repository(repository):
                self.strangers.append(repository)
                continue
            inside = self.names(paths.repository_folder(repository))
            if paths.MANIFESTS in inside or paths.LAYERS in inside:
                yield repository
            yield from self.repositories(repository)

    def layers(self, repository: str) -> list[Digest]:
        return self.digests(paths.layers_folder(repository))

    def revisions(self, repository: str) -> list[Digest]:
        return self.digests(paths.revisions_folder(repository))

    def tags(self, repository: str) -> list[str]:
        return [name for name in self.names(paths.tags_folder(repository)) if _is_tag(name)]

    def tag_index(self, repository: str, tag: str) -> list[Digest]:
        return self.digests(paths.tag_index(repository, tag))

    def digests(self, folder: str) -> list[Digest]:
        """Of `<algorithm>/<hex>` in the folder, whether they hold a link or not."""
        found: list[Digest] = []
        for algorithm in self.names(folder):
            for hex_ in self.names(f"{folder}/{algorithm}"):
                try:
                    found.append(parse_digest(f"{algorithm}:{hex_}"))
                except OciError:
                    continue
        return found

    def _link(self, folder: str, digest: Digest) -> bool:
        path, content = paths.link(folder), str(digest).encode()
        is_missing = self.size(path) != len(content)
        if is_missing:
            self._write(path, content)
        return is_missing

    def _write(self, path: str, content: bytes) -> None:
        self.driver.write(path, content, is_durable=False)
        self.written += 1


def _is_repository(name: str) -> bool:
    try:
        parse_repository(name)
    except OciError:
        return False
    return True


def _is_tag(name: str) -> bool:
    try:
        parse_tag(name)
    except OciError:
        return False
    return True

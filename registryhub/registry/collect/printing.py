"""What a collection does, printed with the words of the reference (E.5), and how far it is on a terminal."""

import time

from django.core.management.base import OutputWrapper

from registryhub.config.durations import format_duration
from registryhub.registry.collect.listen import Listener
from registryhub.registry.models import Blob, Collection

_EVERY_SECONDS = 0.2
_CLEAR = "\r\x1b[K"


class Printer(Listener):
    """Lines go to `out`; how far it is goes to `err`, where that is a terminal."""

    def __init__(self, out: OutputWrapper, err: OutputWrapper) -> None:
        self._out = out
        self._err = err
        self._is_terminal = err.isatty()
        self._shown_at = 0.0
        self._blobs = 0

    def manifest(self, repository: str, digest: str) -> None:
        self.line(f"manifest eligible for deletion: {{{repository} {digest} []}}")

    def link(self, repository: str, digest: str) -> None:
        self.line(f"{repository}: layer link eligible for deletion: {digest}")

    def blob(self, digest: str) -> None:
        self._blobs += 1
        self.file(digest)

    def file(self, digest: str) -> None:
        self.line(f"blob eligible for deletion: {digest}")

    def progress(self, phase: str, done: float) -> None:
        now = time.monotonic()
        if self._is_terminal and now - self._shown_at > _EVERY_SECONDS:
            self._shown_at = now
            self._err.write(f"{_CLEAR}{phase}: {done:.0%}", ending="")
            self._err.flush()

    def line(self, text: str) -> None:
        self.clear()
        self._out.write(text)

    def clear(self) -> None:
        """Take away how far it is."""
        if self._shown_at:
            self._err.write(_CLEAR, ending="")
            self._err.flush()
            self._shown_at = 0.0

    def summary(self, collection: Collection) -> None:
        """What came of it."""
        marked = Blob.objects.count() - (self._blobs if collection.is_dry_run else 0)
        self.line(
            f"\n{marked} blobs marked, {collection.blobs} blobs and {collection.manifests} manifests"
            " eligible for deletion"
        )
        self.line(f"{'would free' if collection.is_dry_run else 'freed'} {collection.freed_bytes} bytes")
        if collection.waiting:
            grace = format_duration(collection.grace_seconds)
            self.line(
                f"{collection.waiting} more are of no use, but wait until nobody has used them for {grace};"
                " --grace 0s takes them at once"
            )
        if collection.skipped:
            self.line(f"{collection.skipped} could not be read or removed, see the log")

"""Manifests kept in memory. Their bytes never change, so nothing in here can be stale.

Whether a repository still holds the manifest is asked of the database each time; this only spares reading it.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from registryhub.registry.announce import Target

CACHE_BYTES = 64 << 20
_OVERHEAD_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Payload:
    """A manifest as it is served; `target` is what events say about it."""

    digest: str
    media_type: str
    content: bytes
    target: Target


class Payloads:
    """The least recently used go when the bytes exceed `capacity`. Thread-safe."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._held: OrderedDict[tuple[str, str], Payload] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def find(self, repository: str, digest: str) -> Payload | None:
        key = repository, digest
        found = self._held.get(key)
        if found is not None:
            try:  # noqa: SIM105 (suppress costs more than all the rest of this method)
                self._held.move_to_end(key)
            except KeyError:  # another thread has just pushed it out
                pass
        return found

    def keep(self, repository: str, payload: Payload) -> None:
        """Manifests above an eighth of the capacity are read anew each time."""
        weight = _weight(payload)
        if weight > self._capacity // 8:
            return
        with self._lock:
            previous = self._held.pop((repository, payload.digest), None)
            self._bytes += weight - (_weight(previous) if previous else 0)
            self._held[repository, payload.digest] = payload
            while self._bytes > self._capacity:
                _, dropped = self._held.popitem(last=False)
                self._bytes -= _weight(dropped)


def _weight(payload: Payload) -> int:
    return len(payload.content) + _OVERHEAD_BYTES


payloads = Payloads(CACHE_BYTES)

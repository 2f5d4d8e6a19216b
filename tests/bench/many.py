"""The lines that grow: a page, and a delete, of a large registry beside the same of a small one.

A page is as long as the smallest registry has it behind its middle, so that the ratio shows growth and no more.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

from tests.bench.measure import Measured, Plan, say
from tests.bench.sides import start_hub
from tests.pushing import expect
from tests.servers.hub import Hub
from tests.wire import Wire

REPOSITORY = "many/tagged"
SUBJECT = f"sha256:{'f' * 64}"
TAGS_EACH = 10
_ASKED = 200
_DELETED = 40

Ask = Callable[[Wire, int], None]
"""What is timed; the number says which of the asked one it is."""


def catalog(plan: Plan) -> Measured:
    """A page from the middle, of 100 repositories and of 100,000."""
    return _grow(plan, "repositories", (100, 1_000, 10_000, 100_000), _page("/v2/_catalog", "many/r{:07d}", 50))


def tags(plan: Plan) -> Measured:
    """A page from the middle, of 10 tags and of a million."""
    path = f"/v2/{REPOSITORY}/tags/list"
    return _grow(plan, "tags", (10, 1_000, 100_000, 1_000_000), _page(path, "t{:07d}", 5))


def referrers(plan: Plan) -> Measured:
    """A page from the middle, of 10 referrers and of 100,000."""
    path = f"/v2/{REPOSITORY}/referrers/{SUBJECT}"
    return _grow(plan, "referrers", (10, 1_000, 100_000), _page(path, "sha256:{:064x}", 5))


def delete(plan: Plan) -> Measured:
    """A manifest by its digest with its ten tags, of 1,000 tags and of a million."""
    return _grow(plan, "tags", (1_000, 100_000, 1_000_000), _deleting)


def _page(path: str, key: str, length: int) -> Callable[[int], tuple[int, Ask]]:
    def prepare(size: int) -> tuple[int, Ask]:
        target = f"{path}?{urlencode({'n': length, 'last': key.format(size // 2)})}"

        def ask(wire: Wire, number: int) -> None:
            expect(wire.request("GET", target), 200, target)

        return _ASKED, ask

    return prepare


def _deleting(size: int) -> tuple[int, Ask]:
    """The newest manifests: those of the next, larger size come after them."""
    last = (size - 1) // TAGS_EACH

    def ask(wire: Wire, number: int) -> None:
        target = f"/v2/{REPOSITORY}/manifests/sha256:{last - number:064x}"
        expect(wire.request("DELETE", target), 202, target)

    return _DELETED, ask


def _grow(plan: Plan, kind: str, sizes: tuple[int, ...], prepare: Callable[[int], tuple[int, Ask]]) -> Measured:
    """Fill one hub step by step; the last step is the line's number, the first stands beside it."""
    measured = Measured()
    steps = sizes[: plan.sized(len(sizes), 2)]
    with start_hub(plan) as hub:
        for before, size in zip((0, *steps), steps, strict=False):
            hub.module("tests.bench.fill", kind, str(before + 1), str(size))
            hub.wait_until_drained(120)
            samples = list(_rounds(plan, hub, *prepare(size)))
            measured.notes[f"with {size:,} {kind}, ms"] = statistics.median(samples)
            say(f"  {size:,} {kind}: {statistics.median(samples):.2f} ms")
            if size == steps[0]:
                measured.beside += samples
            if size == steps[-1]:
                measured.hub += samples
    return measured


def _rounds(plan: Plan, hub: Hub, count: int, ask: Ask) -> Iterator[float]:
    """Milliseconds a request, the median of each round; each request asks for another number."""
    with hub.wire() as wire:
        expect(wire.request("GET", "/v2/"), 200, "a first look")
        each = max(1, count // plan.rounds)
        for number in range(plan.rounds):
            times = []
            for asked in range(number * each, (number + 1) * each):
                begun = time.perf_counter()
                ask(wire, asked)
                times.append((time.perf_counter() - begun) * 1e3)
            yield statistics.median(times)

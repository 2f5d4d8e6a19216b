"""Boards, series and lists of a hub with a long past: how long each answer takes, by how many events there were."""

import json
import time
from collections.abc import Iterator
from urllib.parse import urlencode

from tests.bench.flood import REPOSITORIES, TAGS_EACH, repository_name
from tests.bench.measure import Measured, Plan, percentile, say
from tests.bench.pushes import relay_stopped
from tests.bench.sides import start_hub
from tests.pushing import expect
from tests.servers.hub import Hub
from tests.wire import Wire

SIZES = (200_000, 2_000_000, 20_000_000)
_QUICK_SIZES = (2_000, 4_000)
_LIMIT_SECONDS = 4 * 3600.0
_ORDERINGS = (
    *("name", "pulls", "pulls_24h", "pulls_7d", "pulls_30d", "pulls_90d", "pushes", "checks", "excluded", "bytes"),
    *("pullers", "last_pulled_at", "last_seen_at", "last_pushed_at"),
)
_USED_BY = ("action", "audience", "client", "platform", "actor")
_BUSY, _QUIET = repository_name(0), repository_name(REPOSITORIES - 1)

Question = tuple[str, str]
"""Its kind, and what is asked for."""


def answers(plan: Plan) -> Measured:
    """Each question in each round, the 95th percentile of a round; of the largest hub."""
    measured = Measured()
    for size in _QUICK_SIZES if plan.quick else SIZES:
        with start_hub(plan, {"hub": {"log": {"keep": "2400h"}}}) as hub:
            _fill(hub, size, measured)
            measured.hub = ask(plan, hub, size, measured)
    return measured


def ask(plan: Plan, hub: Hub, size: int, measured: Measured) -> list[float]:
    """The 95th percentile of each round, in ms; what each kind of question takes goes to the notes."""
    questions = list(_questions(hub))
    taken: dict[Question, list[float]] = {question: [] for question in questions}
    rounds = []
    with hub.wire(Authorization=f"Bearer {hub.token}") as staff, hub.wire() as anybody:
        for question in questions:
            _seconds(staff, anybody, question)
        for _ in plan.each_round():
            for question in questions:
                taken[question].append(_seconds(staff, anybody, question) * 1e3)
            rounds.append(percentile([each[-1] for each in taken.values()], 0.95))
    for kind in dict.fromkeys(kind for kind, _ in questions):
        times = [each for question, found in taken.items() if question[0] == kind for each in found]
        _note(measured, size, kind, times)
    _note(measured, size, "all of these", [each for found in taken.values() for each in found])
    slowest = sorted(taken, key=lambda question: -min(taken[question]))[:5]
    say("\n".join(f"    {min(taken[each]):.1f} ms at least: {each[1]}" for each in slowest))
    return rounds


def _fill(hub: Hub, size: int, measured: Measured) -> None:
    with relay_stopped(hub):
        hub.module("tests.bench.fill", "crowd", "0", str(REPOSITORIES - 1), timeout_seconds=_LIMIT_SECONDS)
        hub.module("tests.bench.history", "load", str(size), timeout_seconds=_LIMIT_SECONDS)
    hub.wait_until_drained(120)
    counted = json.loads(hub.module("tests.bench.history", "recount", timeout_seconds=_LIMIT_SECONDS).splitlines()[-1])
    measured.notes[f"{size:,} events, counted again a second"] = size / counted["seconds"]
    measured.notes[f"{size:,} events, peak memory of that, MiB"] = counted["peak_mib"]
    say(f"  {size:,} events counted again: {size / counted['seconds']:,.0f} a second, {counted['peak_mib']:.0f} MiB")


def _seconds(staff: Wire, anybody: Wire, question: Question) -> float:
    """Nobody says what they know already, so every question is answered anew."""
    kind, target = question
    begun = time.perf_counter()
    expect((anybody if kind.endswith("in public") else staff).request("GET", target), 200, target)
    return time.perf_counter() - begun


def _note(measured: Measured, size: int, kind: str, times: list[float]) -> None:
    found = {"p50": percentile(times, 0.5), "p95": percentile(times, 0.95), "max": max(times)}
    for name, value in found.items():
        measured.notes[f"{size:,} events, {kind}, {name} ms"] = value
    say(f"  {size:,} events, {kind}: {', '.join(f'{name} {value:.1f}' for name, value in found.items())} ms")


def _questions(hub: Hub) -> Iterator[Question]:
    for board in hub.get("/api/v1/leaderboards")["results"]:
        for window in board["windows"]:
            target = f"/api/v1/leaderboards/{board['board']}?window={window}"
            yield "boards", target
            if board["board"] not in ("top-actors", "fastest-to-running"):
                yield "boards in public", target
    for interval in ("hour", "day", "week", "month"):
        yield from _series(interval)
    for ordering in _ORDERINGS:
        for sign in ("", "-"):
            yield "repositories", _target("repositories", ordering=f"{sign}{ordering}")
    for repository in (_BUSY, _QUIET):
        for ordering in ("name", "-moved_at"):
            yield "tags", _target("tags", repository=repository, ordering=ordering)


def _series(interval: str) -> Iterator[Question]:
    stats = {"interval": interval}
    yield "series of all", _target("stats", **stats)
    for by in ("repository", *_USED_BY):
        yield "series of all", _target("stats", **stats, group_by=by)
    for repository in (_BUSY, _QUIET):
        yield "series of a repository", _target("stats", **stats, repository=repository)
        for by in ("tag", "digest", *_USED_BY):
            yield "series of a repository", _target("stats", **stats, repository=repository, group_by=by)
        tags = [_target("stats", **stats, repository=repository, tag=f"v{tag}") for tag in range(TAGS_EACH)]
        yield from (("series of a repository", target) for target in tags)
    for many in (2, 10, 50):
        names = [("repository", repository_name(number * 97)) for number in range(many)]
        yield "comparisons", f"/api/v1/stats?{urlencode([*stats.items(), *names])}"


def _target(path: str, **asked: str) -> str:
    return f"/api/v1/{path}?{urlencode(asked)}"

"""Pulls, checks and pushes of a busy team, by hour and day: the same ones each time."""

import math
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from random import Random

from notifications.analytics.clients import Client
from notifications.analytics.models import RepositoryTotals, TagTotals
from notifications.analytics.series import Point
from notifications.analytics.spans import floor_hour, floor_to
from registryhub.access.models import Repository
from tests.believable.plan import Plan
from tests.webui.numbers import Tally

CONTAINERD = Client("containerd", "unknown", "")
TRIVY, HARBOR = Client("trivy", "scanner", ""), Client("harbor", "mirror", "")

DAYS = 120
HOURS = 16 * 24


def fill_numbers(repository: Repository, plan: Plan, now: datetime, chance: Random) -> None:
    """Of one repository and of its tags; half of the pulls are of the first tag."""
    hours = list(_hours(plan, now, chance))
    days = list(_days(plan, now, chance, hours))
    tally = Tally(now)
    for point in hours:
        _count(tally, repository, plan.tags[0], point)
    for point in days:
        if point.start < hours[0].start:
            _count(tally, repository, plan.tags[0], point)
        _fill_uses(tally, repository, plan, point)
    tally.write()
    whole = _sum(days)
    last = now - timedelta(seconds=chance.randrange(5, 4000))
    clocks = {"last_pulled_at": last, "last_seen_at": last, "last_pushed_at": plan.pushed_at(now)}
    totals = RepositoryTotals.objects.filter(repository=repository)
    totals.update(**clocks, pullers=whole.pulls // 9, **{f"pullers_{d}d": whole.pulls * d // 1100 for d in (7, 30, 90)})
    _fill_tags(repository, plan, whole.pulls, now, chance)


def _count(tally: Tally, repository: Repository, tag: str, point: Point) -> None:
    half = point.pulls // 2
    tally.count(repository, point.start, tag, pull_tag=half, version_check=point.checks // 2, push=point.pushes)
    tally.count(
        repository, point.start, client=CONTAINERD, pull_digest=point.pulls - half, version_check=point.checks // 2
    )


def _fill_uses(tally: Tally, repository: Repository, plan: Plan, point: Point) -> None:
    """Who else pulls, and what was fetched."""
    tally.count(repository, point.start, client=TRIVY, pull_tag=point.pulls // 12)
    tally.count(repository, point.start, client=HARBOR, pull_digest=point.pulls // 40)
    for number, platform in enumerate(plan.platforms, start=1):
        size = point.pulls * sum(plan.layers) // 50
        tally.fetch(repository, point.start, platform, point.pulls // (2 * number), size)


def _fill_tags(repository: Repository, plan: Plan, pulls: int, now: datetime, chance: Random) -> None:
    for number, tag in enumerate(plan.tags):
        last = now - timedelta(seconds=chance.randrange(5, 400 * (number + 1) ** 3))
        numbers = {
            "pulls": max(3, round(pulls / 2 ** (number + 1) * chance.uniform(0.6, 1.1))),
            "checks": round(pulls / 2 ** (number + 2)),
            "pushes": chance.randrange(1, 9),
            "last_pulled_at": last,
            "last_seen_at": last,
            "last_pushed_at": plan.moved_at(number, now),
        }
        TagTotals.objects.update_or_create(repository=repository, tag=tag, defaults=numbers)


def _hours(plan: Plan, now: datetime, chance: Random) -> Iterator[Point]:
    this_hour = floor_hour(now)
    for age in range(HOURS + this_hour.hour, -1, -1):  # from a midnight on
        hour = this_hour - timedelta(hours=age)
        so_far = (now - hour) / timedelta(hours=1) if age == 0 else 1
        rhythm, growth = _rhythm(hour) * _mood(plan, hour), 1 + plan.growth * (1 - age / HOURS)
        pulls = round(plan.pulls_a_day / 24 * rhythm * growth * so_far * chance.uniform(0.75, 1.25))
        pushes = int(chance.random() < plan.pushes_a_day / 24 * rhythm**2)
        yield Point(hour, pulls, round(pulls * chance.uniform(0.2, 0.4)), pushes)


def _days(plan: Plan, now: datetime, chance: Random, hours: Iterable[Point]) -> Iterator[Point]:
    """Older ones, then those of the hours added up."""
    known: dict[datetime, Point] = {}
    for point in hours:
        start = floor_to("day", point.start)
        known.setdefault(start, Point(start)).add(point.pulls, point.checks, point.pushes)
    for age in range(DAYS, 0, -1):
        start = floor_to("day", now) - timedelta(days=age)
        if start < min(known):
            week = 0.8 if start.weekday() >= 5 else 1.0
            pulls = round(plan.pulls_a_day * week * (1 - plan.growth * age / DAYS) * chance.uniform(0.8, 1.2))
            yield Point(start, pulls, pulls // 3, round(plan.pushes_a_day * week))
    yield from known.values()


def _mood(plan: Plan, hour: datetime) -> float:
    """Each image has better days and worse ones."""
    return 1 + 0.2 * math.sin(hour.toordinal() * len(plan.name) * 1.7)


def _rhythm(hour: datetime) -> float:
    """Office hours are busy, nights and weekends are calmer."""
    day = 1 + 0.75 * math.sin((hour.hour - 8) / 24 * 2 * math.pi)
    return day * (0.8 if hour.weekday() >= 5 else 1)


def _sum(points: Iterable[Point]) -> Point:
    whole = Point(datetime.min)  # noqa: DTZ901  # nobody looks at it
    for point in points:
        whole.add(point.pulls, point.checks, point.pushes)
    return whole

"""Charts as coordinates for a template: what the numbers look like, without a word of SVG. Pure.

Shapes live in a box of WIDTH × HEIGHT that the page stretches to any size; what must not be stretched, words and dots,
is placed in percent of the box.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import ceil, log10, sqrt

from notifications.analytics.compact import compact
from notifications.analytics.series import Point
from notifications.analytics.spans import Interval

WIDTH, HEIGHT = 1000, 100
SPARK_WIDTH, SPARK_HEIGHT = 96, 26

_LINES = 4
_WORDS = 6
_FEW_MARKS = 8
_LARGEST_MARK = 5.0


@dataclass(frozen=True, slots=True)
class Tick:
    """Words beside the chart; `at` is in percent, `anchor` which end of the words stands there.

    Where there is little room, those that are not `is_major` can be left out.
    """

    at: float
    text: str
    anchor: str = "middle"
    is_major: bool = True


@dataclass(frozen=True, slots=True)
class Mark:
    """Pushes: a dot whose area grows with their number. `at` is in percent."""

    at: float
    radius: float


@dataclass(frozen=True, slots=True)
class Slot:
    """The part of the box that belongs to one point, and what there is to say about it."""

    left: float
    width: float
    text: str
    point: Point


@dataclass(frozen=True, slots=True)
class Chart:
    """`pulls` and `checks` are areas, the checks on top of the pulls.

    They and the `line` end at the last point that is over: the one after it would look like a fall.
    """

    pulls: str
    checks: str
    line: str
    unfinished: str
    levels: Sequence[Tick]
    moments: Sequence[Tick]
    marks: Sequence[Mark]
    slots: Sequence[Slot]

    @property
    def has_lines(self) -> bool:
        """Whether the pushes are few enough for a line through the chart each."""
        return len(self.marks) <= _FEW_MARKS


def draw(points: Sequence[Point], interval: Interval) -> Chart | None:
    """The chart of points of one length; None when nothing was counted in any of them."""
    if not any(point.pulls or point.checks or point.pushes for point in points):
        return None
    if len(points) == 1:
        points = [points[0], points[0]]
    top = ceiling(max(point.pulls + point.checks for point in points))
    pulls = [_place(index, len(points), point.pulls / top) for index, point in enumerate(points)]
    both = [_place(index, len(points), (point.pulls + point.checks) / top) for index, point in enumerate(points)]
    floor = [(x, float(HEIGHT)) for x, _ in (pulls[-2], pulls[0])]
    return Chart(
        pulls=_path([*pulls[:-1], *floor]),
        checks=_path([*both[:-1], *reversed(pulls[:-1])]),
        line=_path(pulls[:-1]),
        unfinished=_path(pulls[-2:]),
        levels=_levels(top),
        moments=_moments([point.start for point in points], interval),
        marks=_marks(points),
        slots=_slots(points, interval),
    )


def spark(values: Sequence[int]) -> str:
    """The points of a small line without axes; flat at the bottom for nothing."""
    top = max(values, default=0) or 1
    step = SPARK_WIDTH / max(1, len(values) - 1)
    room = SPARK_HEIGHT - 4
    return " ".join(f"{index * step:.1f},{2 + room * (1 - value / top):.1f}" for index, value in enumerate(values))


def ceiling(most: int) -> int:
    """The least round number not below it that parts into _LINES round ones."""
    step = max(1, ceil(most / _LINES))
    scale: int = 10 ** int(log10(step))
    return _LINES * next(
        round(factor * scale)
        for factor in (1, 2, 2.5, 5, 10)
        if factor * scale >= step and factor * scale == round(factor * scale)
    )


def moment(start: datetime, interval: Interval) -> str:
    """A point in words."""
    if interval == "hour":
        return f"{start:%a} {start.day} {start:%b}, {start:%H:%M}"
    if interval == "day":
        return f"{start:%a} {start.day} {start:%b}"
    return f"week of {start.day} {start:%b %Y}" if interval == "week" else f"{start:%B %Y}"


def _place(index: int, count: int, height: float) -> tuple[float, float]:
    return WIDTH * index / (count - 1), HEIGHT * (1 - height)


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _levels(top: int) -> list[Tick]:
    return [Tick(100 - 100 * index / _LINES, compact(top * index // _LINES)) for index in range(_LINES + 1)]


def _moments(starts: Sequence[datetime], interval: Interval) -> list[Tick]:
    """Few enough words to stand beside each other, in even steps; none so close to an edge that it would be cut."""
    is_long = (starts[-1] - starts[0]).days >= 2
    if interval == "hour":
        chosen = [at for at, start in enumerate(starts) if start.hour % (24 if is_long else 4) == 0]
    else:
        stride = ceil(len(starts) / _WORDS)
        chosen = list(range(len(starts) - 1, -1, -stride))[::-1]
    ticks = [_moment_tick(at, starts, interval, is_long=is_long) for at in chosen]
    return [replace(tick, is_major=(len(ticks) - at) % 2 == 1) for at, tick in enumerate(ticks)]


def _moment_tick(index: int, starts: Sequence[datetime], interval: Interval, *, is_long: bool) -> Tick:
    start, at = starts[index], 100 * index / (len(starts) - 1)
    if interval == "hour":
        text = f"{start:%a} {start.day}" if is_long else f"{start:%H:%M}"
    else:
        text = f"{start:%b %Y}" if interval == "month" else f"{start.day} {start:%b}"
    anchor = "start" if at < 3 else "end" if at > 97 else "middle"
    return Tick(round(at, 2), text, anchor)


def _marks(points: Sequence[Point]) -> list[Mark]:
    most = max(point.pushes for point in points)
    return [
        Mark(round(100 * index / (len(points) - 1), 2), round(2 + (_LARGEST_MARK - 2) * sqrt(point.pushes / most), 1))
        for index, point in enumerate(points)
        if point.pushes
    ]


def _slots(points: Sequence[Point], interval: Interval) -> list[Slot]:
    step = WIDTH / (len(points) - 1)
    return [
        Slot(round(index * step - step / 2, 1), round(step, 1), moment(point.start, interval), point)
        for index, point in enumerate(points)
    ]

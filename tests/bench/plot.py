"""`python -m tests.bench.plot REPORT.json PICTURE.svg`: the line `boards` of a report as a picture.

How long answers take, by how many events there were. Both axes are logarithmic: what grows with the log would be a
straight line upwards.
"""

import json
import re
import sys
from collections.abc import Mapping
from html import escape
from math import log10
from pathlib import Path
from typing import Any

GOAL_MS = 50.0
_NOTE = re.compile(r"(?P<events>[\d,]+) events, (?P<kind>.+), p95 ms")
_LEFT, _TOP, _WIDTH, _HEIGHT = 64, 56, 560, 300
_ROOM = 210
_LEVELS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_COLOURS = ("#1a66dd", "#7145d8", "#18743f", "#8a5c00", "#c0242c", "#0b7285", "#a61e4d", "#171a21")
_APART = 16

Lines = Mapping[str, Mapping[int, float]]
"""By kind of question, and by how many events there were, milliseconds."""


def main(report: str, picture: str) -> None:
    Path(picture).write_text(draw(read(json.loads(Path(report).read_text()))))


def read(report: Mapping[str, Any]) -> Lines:
    """What a report says of the last hub that it measured."""
    notes = next(line["notes"] for line in reversed(report["lines"]) if line["line"] == "boards")
    found: dict[str, dict[int, float]] = {}
    for name, value in notes.items():
        if match := _NOTE.fullmatch(name):
            found.setdefault(match["kind"], {})[int(match["events"].replace(",", ""))] = value
    return found


def draw(lines: Lines) -> str:
    """The picture, whole in itself."""
    sizes = sorted({size for points in lines.values() for size in points})
    values = [value for points in lines.values() for value in points.values()]
    levels = [level for level in _LEVELS if min(values) / 2 <= level <= max(*values, GOAL_MS) * 2]
    across, up = _Axis(sizes[0], sizes[-1], _LEFT, _WIDTH), _Axis(levels[0], levels[-1], _TOP + _HEIGHT, -_HEIGHT)
    parts = [_words(_LEFT, 28, "95 of 100 answers came within so many milliseconds", anchor="start", size=15)]
    for level in levels:
        parts += [_rule(up(level), "#e3e6eb"), _words(_LEFT - 10, up(level) + 4, f"{level:,}", anchor="end")]
    parts += [
        _rule(up(GOAL_MS), "#c0242c", dash="5 4"),
        _words(_LEFT + 6, up(GOAL_MS) - 6, "aim", anchor="start", colour="#c0242c"),
    ]
    parts += [_words(across(size), _TOP + _HEIGHT + 24, f"{size:,}") for size in sizes]
    parts.append(_words(_LEFT + _WIDTH / 2, _TOP + _HEIGHT + 48, "events of 90 days in the log, 50,000 repositories"))
    ends = {kind: up(points[max(points)]) for kind, points in lines.items()}
    for (kind, points), colour in zip(lines.items(), _COLOURS, strict=False):
        places = [(across(size), up(value)) for size, value in sorted(points.items())]
        parts.append(_curve(places, colour))
        at = _settle(ends)[kind]
        parts.append(_words(_LEFT + _WIDTH + 14, at + 4, kind, anchor="start", colour=colour))
    return _PICTURE.format(width=_LEFT + _WIDTH + _ROOM, height=_TOP + _HEIGHT + 68, parts="\n".join(parts))


class _Axis:
    """Where a number stands."""

    def __init__(self, first: float, last: float, start: float, length: float) -> None:
        self._first, self._start = log10(first), start
        self._scale = length / ((log10(last) - self._first) or 1)

    def __call__(self, value: float) -> float:
        return self._start + (log10(value) - self._first) * self._scale


def _settle(ends: Mapping[str, float]) -> Mapping[str, float]:
    """Words beside the ends of their lines, none on another."""
    found: dict[str, float] = {}
    for kind, at in sorted(ends.items(), key=lambda end: end[1]):
        found[kind] = max(at, max(found.values(), default=at - _APART) + _APART)
    return found


def _rule(y: float, colour: str, dash: str = "none") -> str:
    right = _LEFT + _WIDTH
    return f'<path d="M{_LEFT} {y:.1f}H{right}" stroke="{colour}" stroke-dasharray="{dash}"/>'


def _curve(places: list[tuple[float, float]], colour: str) -> str:
    path = " L".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places)
    return f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}'


def _words(x: float, y: float, text: str, *, anchor: str = "middle", size: int = 12, colour: str = "#566070") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
    )


_PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}"
 font-family="Verdana,DejaVu Sans,sans-serif">
<rect width="{width}" height="{height}" fill="#fff"/>
{parts}
</svg>
"""


if __name__ == "__main__":
    main(*sys.argv[1:])

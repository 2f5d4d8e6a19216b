"""Semantic versions (semver.org 2.0) as tags have them, and ranges of them as package managers write them. Pure.

A tag is a version when it is two or three numbers, perhaps with `v` in front and a pre-release behind: `1.4`, `v1.4.2`,
`1.4.2-rc.1`. A lone number is none: it may as well be a day or the number of a build.

A range is comparisons that must all hold (`>=1.2 <2`), or several such behind `||`. `^1.4` goes up to the next number
that breaks things (2.0.0), `~1.4.2` to the next minor one (1.5.0); `1.4` and `1.4.x` are all of 1.4, `*` is everything.
A pre-release is in a range only where this names one of the same three numbers: `^1.4` has no 1.5.0-rc.1,
`>=1.5.0-rc.0` has it. So `1.4.2-alpine` is in few ranges: by the rules its tail makes a pre-release of it.
"""

import re
from dataclasses import dataclass
from functools import lru_cache, total_ordering
from typing import NamedTuple, TypeAlias

MAX_RANGE_LENGTH = 200
_NUMBER = r"(0|[1-9][0-9]{0,15})"
_PRERELEASE = r"(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
_TAG = re.compile(rf"v?{_NUMBER}\.{_NUMBER}(?:\.{_NUMBER})?{_PRERELEASE}")
_LEADING_ZERO = re.compile(r"0[0-9]+")
_WILD = r"(0|[1-9][0-9]{0,15}|[xX*])"
_COMPARISON = re.compile(rf"(\^|~|>=|<=|>|<|=)?\s*v?{_WILD}(?:\.{_WILD})?(?:\.{_WILD}{_PRERELEASE})?(?=[\s,]|$)")
_SPACE = re.compile(r"[\s,]*")
_MEND = "write comparisons of versions, such as >=1.2 <2, ^1.4, ~1.4.2 or 1.4.x"

Triple: TypeAlias = tuple[int, int, int]
Part: TypeAlias = tuple[int, int, str]


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """Three numbers; the parts of a pre-release, none for a release, which comes after all its pre-releases."""

    numbers: Triple
    prerelease: tuple[Part, ...] = ()

    def __lt__(self, other: "Version") -> bool:
        return self._order < other._order

    @property
    def _order(self) -> tuple[Triple, bool, tuple[Part, ...]]:
        return self.numbers, not self.prerelease, self.prerelease


class _Bounds(NamedTuple):
    """From `least` on, and before `end`; None for no end. `named` are those whose pre-releases are spoken of."""

    least: Version
    end: Version | None
    named: frozenset[Triple]

    def holds(self, version: Version) -> bool:
        return self.least <= version and (self.end is None or version < self.end)


@dataclass(frozen=True, slots=True)
class Range:
    """Alternatives, of each of which all bounds must hold."""

    alternatives: tuple[tuple[_Bounds, ...], ...]

    def holds(self, version: Version) -> bool:
        """Whether the version is in the range."""
        return any(_all_hold(bounds, version) for bounds in self.alternatives)


_LOWEST = Version((0, 0, 0), ((0, 0, ""),))
"""The lowest pre-release there is: 0.0.0-0."""


def _all_hold(bounds: tuple[_Bounds, ...], version: Version) -> bool:
    if version.prerelease and not any(version.numbers in each.named for each in bounds):
        return False
    return all(each.holds(version) for each in bounds)


def parse_version(tag: str) -> Version | None:
    """None for a tag that is no version."""
    found = _TAG.fullmatch(tag)
    if found is None:
        return None
    prerelease = found[4] or ""
    if any(map(_LEADING_ZERO.fullmatch, prerelease.split("."))):
        return None
    return Version((int(found[1]), int(found[2]), int(found[3] or 0)), _parts(prerelease))


@lru_cache(maxsize=1000)
def parse_range(text: str) -> Range:
    """Raises ValueError with the mend."""
    if len(text) > MAX_RANGE_LENGTH:
        raise ValueError(f"is longer than {MAX_RANGE_LENGTH} characters; write several ranges, one an entry")
    return Range(tuple(_parse_all(part) for part in text.split("||")))


def _parse_all(text: str) -> tuple[_Bounds, ...]:
    bounds: list[_Bounds] = []
    position = _SPACE.match(text).end()  # type: ignore[union-attr]  # it matches everywhere
    while position < len(text):
        found = _COMPARISON.match(text, position)
        if found is None:
            raise ValueError(f"is no range of versions from {text[position:].strip()!r} on; {_MEND}")
        bounds.append(_bounds(found))
        position = _SPACE.match(text, found.end()).end()  # type: ignore[union-attr]
    if not bounds:
        raise ValueError(f"is empty; {_MEND}")
    return tuple(bounds)


def _bounds(found: re.Match[str]) -> _Bounds:
    numbers = _known(found[2], found[3], found[4])
    prerelease = found[5] or ""
    if prerelease and (len(numbers) < 3 or any(map(_LEADING_ZERO.fullmatch, prerelease.split(".")))):
        raise ValueError(f"has {found[0].strip()!r}, whose pre-release stands behind no whole version; {_MEND}")
    version = Version(_filled(numbers), _parts(prerelease))
    least, end = _span(found[1] or "=", version, numbers)
    return _Bounds(least, end, frozenset((version.numbers,) if prerelease else ()))


def _span(operator: str, version: Version, numbers: tuple[int, ...]) -> tuple[Version, Version | None]:
    """What the comparison means; a version that is not written out stands for all that begin so."""
    after = _after(version, numbers)
    if operator == ">=":
        return version, None
    if operator == "<":
        return _LOWEST, version
    if operator == "<=":
        return _LOWEST, after
    if operator == ">":
        return (version, Version((0, 0, 0))) if after is None else (after, None)
    if operator == "=":
        return version, after
    kept = _caret_kept(numbers) if operator == "^" else min(len(numbers), 2)
    return version, _raised(numbers, kept)


def _caret_kept(numbers: tuple[int, ...]) -> int:
    """How many numbers must stay: up to the first that is not zero."""
    return next((place for place, number in enumerate(numbers, 1) if number), len(numbers))


def _after(version: Version, numbers: tuple[int, ...]) -> Version | None:
    """The first version after all that are meant: for a whole one its next; None for everything."""
    if len(numbers) < 3:
        return _raised(numbers, len(numbers))
    if version.prerelease:
        return Version(version.numbers, (*version.prerelease, (0, 0, "")))
    return Version((*version.numbers[:2], version.numbers[2] + 1), _LOWEST.prerelease)


def _raised(numbers: tuple[int, ...], kept: int) -> Version | None:
    """The lowest version whose first `kept` numbers are no longer these."""
    if not kept:
        return None
    return Version(_filled((*numbers[: kept - 1], numbers[kept - 1] + 1)), _LOWEST.prerelease)


def _known(*written: str | None) -> tuple[int, ...]:
    """The numbers up to the first that is left open."""
    numbers: list[int] = []
    for text in written:
        if text is None or text in "xX*":
            break
        numbers.append(int(text))
    return tuple(numbers)


def _filled(numbers: tuple[int, ...]) -> Triple:
    first, second, third = (*numbers, 0, 0, 0)[:3]
    return first, second, third


def _parts(prerelease: str) -> tuple[Part, ...]:
    """For comparing: numbers come before words, numbers by value, words bytewise."""
    return tuple(
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in (prerelease.split(".") if prerelease else ())
    )

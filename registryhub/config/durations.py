"""Durations as the reference writes them: Go strings such as `1.5s` or `1h30m`, or a bare integer of nanoseconds."""

import re
from decimal import Decimal
from fractions import Fraction

_NANOSECONDS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # micro sign
    "μs": 1_000,  # Greek letter mu
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_NANOSECONDS_A_SECOND = 1_000_000_000
_LONGEST = 2**63 - 1
_PART = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([a-zµμ]+)")
_MEND = "write a number and a unit of ns, us, ms, s, m or h, such as 500ms, 10s or 1h30m"


def parse_duration(value: str | int) -> float:
    """Seconds of a Go duration string, or of an integer of nanoseconds. May be negative.

    Raises ValueError with the mend.
    """
    nanoseconds = value if isinstance(value, int) else _parse_nanoseconds(value)
    if abs(nanoseconds) > _LONGEST:
        raise ValueError("is longer than 292 years; write a shorter duration")
    return nanoseconds / _NANOSECONDS_A_SECOND


def _parse_nanoseconds(text: str) -> int:
    sign, rest = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if rest == "0":
        return 0
    return sign * int(sum(_parts(rest)))


def _parts(text: str) -> list[Decimal]:
    parts, position = [], 0
    while match := _PART.match(text, position):
        number, unit = match.groups()
        if unit not in _NANOSECONDS:
            raise ValueError(f"has the unknown unit {unit!r}; {_MEND}")
        parts.append(Decimal(number) * _NANOSECONDS[unit])
        position = match.end()
    if position < len(text) or not parts:
        raise ValueError(f"is no duration; {_MEND}")
    return parts


def format_duration(seconds: float) -> str:
    """The shortest single-unit form that `parse_duration` reads back as the same value."""
    nanoseconds = min(max(round(Fraction(seconds) * _NANOSECONDS_A_SECOND), -_LONGEST), _LONGEST)
    if nanoseconds == 0:
        return "0s"
    unit = next(unit for unit in ("h", "m", "s", "ms", "us", "ns") if nanoseconds % _NANOSECONDS[unit] == 0)
    return f"{nanoseconds // _NANOSECONDS[unit]}{unit}"

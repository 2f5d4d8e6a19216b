"""Sizes in bytes: a bare integer, or a number with a unit such as `4MiB` (1024s) or `4MB` (1000s)."""

import re

_UNITS = {"B": 1} | {
    f"{letter}{suffix}": base**power
    for power, letter in enumerate("KMGT", start=1)
    for suffix, base in (("iB", 1024), ("B", 1000))
}
_BY_LOWER = {unit.lower(): factor for unit, factor in _UNITS.items()}
_SIZE = re.compile(r"([0-9]+) ?([a-zA-Z]*)")
_LARGEST = 2**63 - 1


def parse_size(value: str | int) -> int:
    """Bytes of a size. Raises ValueError with the mend."""
    if isinstance(value, int):
        return _checked(value)
    match = _SIZE.fullmatch(value)
    unit = (match[2].lower() or "b") if match else ""
    if match is None or unit not in _BY_LOWER:
        raise ValueError(f"is no size; write bytes or a whole number with one of {', '.join(_UNITS)}, such as 64MiB")
    return _checked(int(match[1]) * _BY_LOWER[unit])


def _checked(size: int) -> int:
    if not 0 <= size <= _LARGEST:
        raise ValueError("must be between 0 and 8 EiB")
    return size


def format_size(size: int) -> str:
    """The form with the largest unit of 1024s that divides it; `parse_size` reads it back as the same value."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)

"""How reasons and refusals write bytes, durations and places in a row."""

from datetime import timedelta

_SIZES = ("kB", "MB", "GB", "TB", "PB", "EB")
_UNITS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def size_in_words(size: int) -> str:
    """1500000 → 1.5 MB; by thousands, rounded down."""
    if size < 1000:
        return f"{size} B"
    power = min((len(str(size)) - 1) // 3, len(_SIZES))
    return f"{size * 10 // 1000**power / 10:g} {_SIZES[power - 1]}"


def span_in_words(span: timedelta | float) -> str:
    """In the largest unit that fits, rounded down: 30 days, 1 hour."""
    seconds = int(span.total_seconds() if isinstance(span, timedelta) else span)
    for length, unit in _UNITS:
        if seconds >= length:
            count = seconds // length
            return f"{count:,} {unit}" if count == 1 else f"{count:,} {unit}s"
    return "a moment"

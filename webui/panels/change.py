"""How a number compares with the one before it. Pure."""

from dataclasses import dataclass

_MOST_PERCENT = 999


@dataclass(frozen=True, slots=True)
class Change:
    """In words, and whether it is up or down."""

    text: str
    tone: str


def compare(now: float, before: float) -> Change | None:
    """In percent; None when there was nothing and is nothing."""
    if not before:
        return Change("new", "up") if now else None
    percent = round(100 * (now - before) / before)
    if not percent:
        return Change("±0 %", "still")
    if percent > _MOST_PERCENT:
        return Change(f"> {_MOST_PERCENT} %", "up")
    return Change(f"+{percent} %", "up") if percent > 0 else Change(f"−{-percent} %", "down")

"""The lines of a board as pages show them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache

from notifications.analytics.boards import Board, Line, read_board
from notifications.analytics.scope import Scope
from notifications.analytics.windows import WINDOWS, Window
from webui.templatetags.hub import counted, grouped, sized

_KEPT_SECONDS = 60
_HEADS = {"freshest": "age", "stalest-still-pulled": "age", "fastest-to-running": "time"}
_ORDERS = {"trending": "In the order of surprise: what is large anyway must grow by more."}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


@dataclass(frozen=True, slots=True)
class Row:
    """A line; `text` is its value in words, `share` its part of the largest value, in percent."""

    line: Line
    text: str
    share: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A board in a window, which is a longer one where the board has not the one that was asked for."""

    board: Board
    window: Window
    since: datetime | None
    rows: Sequence[Row]

    @property
    def head(self) -> str:
        """What stands above the values."""
        return _HEADS.get(self.board.name, self.board.unit)

    @property
    def order(self) -> str:
        """Why the values are not in their own order; empty where they are."""
        return _ORDERS.get(self.board.name, "")

    @property
    def has_pulls(self) -> bool:
        """Whether pulls stand beside its values, which are something else."""
        return self.board.unit not in ("pulls", "seconds")

    @property
    def has_excluded(self) -> bool:
        """Whether anything was left out."""
        return any(row.line.excluded for row in self.rows)

    @property
    def excluded(self) -> int:
        """What was left out of all lines."""
        return sum(row.line.excluded for row in self.rows)


def show_board(board: Board, scope: Scope, window: Window, now: datetime, limit: int) -> Shown:
    """Which all who see the same share for a minute."""
    nearest = nearest_window(board, window)
    key = f"webui.board.{board.name}.{nearest}.{limit}.{scope.source_id}.{scope.sees_private}"
    known: tuple[datetime | None, Sequence[Row]] | None = cache.get(key)
    if known is None:
        asked, lines = read_board(board, scope, nearest, now, limit)
        most = max((line.value for line in lines), default=0) or 1
        rows = [Row(line, in_unit(line.value, board.unit), round(100 * max(line.value, 0) / most)) for line in lines]
        known = asked.since, rows
        cache.set(key, known, _KEPT_SECONDS)
    return Shown(board, nearest, *known)


def nearest_window(board: Board, window: Window) -> Window:
    """The same, or the next longer one that the board has, or its longest."""
    longer = WINDOWS[WINDOWS.index(window) :]
    return next((each for each in longer if each in board.windows), board.windows[-1])


def in_unit(value: int, unit: str) -> str:
    """7200 seconds → 2 h, 5 platforms → 5 platforms."""
    return _WORDS[unit](value) if unit in _WORDS else grouped(value)


def _lasting(seconds: int) -> str:
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


_WORDS: Mapping[str, Callable[[int], str]] = {
    "seconds": _lasting,
    "bytes": sized,
    "more pulls": lambda value: f"+{value:,}",
    "platforms": lambda value: counted(value, "platform,platforms"),
}

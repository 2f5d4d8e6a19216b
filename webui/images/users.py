"""Who pulls a repository: platforms, clients and audiences of a window, and by how many clients a day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from notifications.analytics.scope import Scope
from notifications.analytics.series import Group, Question, read_groups
from notifications.analytics.windows import Window
from webui.images.facts import Facts
from webui.panels.windows import window_span

LINES = 6
_AUDIENCES: Mapping[str, str] = {
    "unknown": "people and machines",
    "ci": "pipelines",
    "scanner": "scanners",
    "mirror": "mirrors",
    "internal": "this hub",
    "deploy": "our roll-outs",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A line; `share` is its part of the first one, in percent. What does not count is not `is_counted`."""

    name: str
    pulls: int
    share: int
    is_counted: bool = True


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The lines of one card."""

    title: str
    parts: Sequence[Part]


def read_users(facts: Facts, window: Window, now: datetime) -> Sequence[Breakdown]:
    """Those of which anything is known. Three queries."""
    scope, span = Scope((facts.repository.pk,)), window_span(window, now, facts.first_counted)
    found = [
        Breakdown(title, _parts(by, read_groups(Question(scope, span, group_by=by, limit=LINES))))
        for title, by in (("Platforms", "platform"), ("Clients", "client"), ("Audiences", "audience"))
    ]
    return [breakdown for breakdown in found if breakdown.parts]


def _parts(by: str, groups: Sequence[Group]) -> list[Part]:
    counts = [(group, group.total("pulls"), group.total("excluded")) for group in groups]
    lines = sorted(((pulls + excluded, pulls > 0, group.name) for group, pulls, excluded in counts), key=_by_size)
    most = max((times for times, _, _ in lines), default=0)
    return [
        Part(_AUDIENCES.get(name, name) if by == "audience" else name, times, round(100 * times / most), is_counted)
        for times, is_counted, name in lines
        if times
    ]


def _by_size(line: tuple[int, bool, str]) -> tuple[int, str]:
    return -line[0], line[2]

"""What stands on the dashboard, read from the wings: a few indexed queries, however much there is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.cache import cache

from notifications.analytics.scope import scope_of
from notifications.analytics.windows import Window
from notifications.log.models import Event
from registryhub.access.visibility import sees_everything, sight, visible_repositories
from webui.panels.activity import Activity, Day, last_day, read_activity
from webui.panels.operations import Operations, read_operations
from webui.panels.pushes import latest_pushes

User = AbstractBaseUser | AnonymousUser

_KEPT_SECONDS = {"24h": 5, "7d": 15, "30d": 60, "90d": 60, "all": 60}
"""How old a chart and its board may be: in a longer window there is more to add up, and less of it changes."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on the page that depends on who looks; `operations` are for staff."""

    activity: Activity
    day: Day
    repositories: int
    pushes: Sequence[Event]
    operations: Operations | None


def dashboard(user: User, window: Window, now: datetime) -> Dashboard:
    """What the user may see. Raises django.db errors when the database does not answer."""
    return Dashboard(
        activity=activity(user, window, now),
        day=last_day(scope_of(user), now),
        repositories=visible_repositories(user).count(),
        pushes=latest_pushes(user),
        operations=read_operations(now) if sees_everything(user) else None,
    )


def activity(user: User, window: Window, now: datetime) -> Activity:
    """The chart and the board, which all who see the same repositories share for some seconds."""
    key = f"webui.activity.{sight(user)}.{window}"
    known: Activity | None = cache.get(key)
    if known is None:
        known = read_activity(scope_of(user), window, now)
        cache.set(key, known, _KEPT_SECONDS[window])
    return known

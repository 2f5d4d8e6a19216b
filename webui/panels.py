"""What stands on the dashboard, read from the wings: never more than a few indexed queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, QuerySet, Sum

from notifications.analytics.boards import Place, Window, most_pulled
from notifications.analytics.models import RepositoryHour
from notifications.analytics.spans import floor_hour
from notifications.log.models import Event
from registryhub.access.models import Repository
from registryhub.access.visibility import sees_everything, visible_repositories

User = AbstractBaseUser | AnonymousUser

BOARD_LINES = 10
PUSH_LINES = 8


@dataclass(frozen=True, slots=True)
class Day:
    """Counts of the last 24 hours, by whole hours."""

    pulls: int
    checks: int
    pushes: int


@dataclass(frozen=True, slots=True)
class Leader:
    """A line of the board; `share` is its part of the first one's pulls, in percent."""

    place: Place
    share: int


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Everything on the page that depends on who looks."""

    window: Window
    day: Day
    repositories: int
    leaders: Sequence[Leader]
    pushes: Sequence[Event]


def dashboard(user: User, window: Window, now: datetime) -> Dashboard:
    """What the user may see. Raises django.db errors when the database does not answer."""
    repositories = visible_repositories(user)
    places = most_pulled(repositories, window, now, BOARD_LINES)
    most = places[0].pulls if places else 1
    return Dashboard(
        window=window,
        day=last_day(repositories, now),
        repositories=repositories.count(),
        leaders=[Leader(place, round(100 * place.pulls / most)) for place in places],
        pushes=list(latest_pushes(user)[:PUSH_LINES]),
    )


def last_day(repositories: QuerySet[Repository], now: datetime) -> Day:
    """Sums over the repositories."""
    hours = RepositoryHour.objects.filter(hour__gte=floor_hour(now - timedelta(hours=24)), repository__in=repositories)
    return Day(**hours.aggregate(**{name: Sum(name, default=0) for name in ("pulls", "checks", "pushes")}))


def latest_pushes(user: User) -> QuerySet[Event]:
    """Pushes of tags, the latest first."""
    pushes = Event.objects.filter(action="push", tag__gt="").order_by("-seq").defer("raw").select_related("source")
    if sees_everything(user):
        return pushes
    visible = visible_repositories(user).filter(source_id=OuterRef("source_id"), name=OuterRef("repository"))
    return pushes.filter(Exists(visible))

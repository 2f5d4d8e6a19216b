"""Trying the rules of a service on what has been pushed, before they are trusted."""

from deployer.models import Rule, Service
from deployer.policies import is_deployable, matches
from notifications.log.consume import LoggedEvent
from notifications.log.models import Event

MOST_PUSHES = 500
MOST_READ = 20_000
"""Pushes of the whole hub, from the latest on: a repository that was last pushed to before them is not found."""


def backtest(service: Service, limit: int) -> list[tuple[LoggedEvent, Rule | None]]:
    """The latest pushes to the repositories of the service's rules, each with the rule that it matches, if any."""
    rules = list(service.rules.filter(is_enabled=True).order_by("id"))
    pushes = Event.objects.filter(action="push").order_by("-seq")
    oldest = pushes.values_list("seq", flat=True)[MOST_READ - 1 : MOST_READ].first() or 0
    wanted = pushes.filter(seq__gte=oldest, tag__gt="", repository__in={rule.repository for rule in rules})
    newest = wanted.values_list(*LoggedEvent._fields)[: min(limit, MOST_PUSHES)]
    events = [event for row in newest if is_deployable(event := LoggedEvent._make(row))]
    return [(event, next((rule for rule in rules if matches(rule, event)), None)) for event in events]

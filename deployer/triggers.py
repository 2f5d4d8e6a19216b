"""The consumer that deploys: each matching push asks for a deployment exactly once, with the position that moves."""

from collections.abc import Sequence

from deployer.models import Rule
from deployer.policies import is_deployable, matches
from deployer.requests import Push, lock, request_for_push
from deployer.targets.base import Image
from notifications.log.consume import BatchConsumer, LoggedEvent

BATCH_SIZE = 2_000  # most events are pulls, of which there is nothing to do


def consumers() -> Sequence[BatchConsumer]:
    """For settings.EVENT_CONSUMERS."""
    return (BatchConsumer("deployments", trigger, BATCH_SIZE),)


def trigger(events: Sequence[LoggedEvent]) -> None:
    """Ask for what the events' pushes are to deploy, on the caller's transaction."""
    pushes = [event for event in events if is_deployable(event)]
    if not pushes:
        return
    rules = _rules({event.repository for event in pushes})
    wanted = [(event, rule) for event in pushes for rule in rules if matches(rule, event)]
    services = {pk: lock(pk) for pk in sorted({rule.service_id for _, rule in wanted})}
    seen: set[tuple[int, int]] = set()
    for event, rule in wanted:
        if (event.seq, rule.service_id) not in seen:
            seen.add((event.seq, rule.service_id))
            request_for_push(services[rule.service_id], as_push(event, rule))


def _rules(repositories: set[str]) -> list[Rule]:
    """Those that may match, of services that are not paused."""
    rules = Rule.objects.filter(is_enabled=True, service__is_paused=False, repository__in=repositories)
    return list(rules.order_by("id"))


def as_push(event: LoggedEvent, rule: Rule) -> Push:
    """An event of the log that matches the rule."""
    image = Image(event.repository, event.tag, event.digest)
    return Push(rule, event.seq, event.source_id, image, event.actor)

"""Which pushes match a rule. Pure, so that a rule can be tried on what has happened."""

from fnmatch import fnmatchcase

from deployer.models import Rule
from notifications.analytics.classify import is_manifest
from notifications.log.consume import LoggedEvent
from registryhub.access.models import HUB_SOURCE_ID


def is_deployable(event: LoggedEvent) -> bool:
    """Whether it is the push of a tagged manifest."""
    return event.action == "push" and bool(event.tag and event.digest) and is_manifest(event.media_type, event.tag)


def matches(rule: Rule, event: LoggedEvent) -> bool:
    """Whether a deployable event is one of the rule's."""
    return (
        event.source_id == (rule.source_id or HUB_SOURCE_ID)
        and event.repository == rule.repository
        and fnmatchcase(event.tag, rule.tag_pattern)
        and rule.actor in ("", event.actor)
    )

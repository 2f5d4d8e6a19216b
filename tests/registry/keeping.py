"""What the tests of retention, immutable tags and quotas share: rules in force at once, and images of an age."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from notifications.analytics.models import TagTotals
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.access.repositories import ensure_repository
from registryhub.registry.keeping import immutability, quotas
from registryhub.registry.keeping.models import ImmutableRule, Quota, RetentionRule
from registryhub.registry.models import Manifest, Tag
from tests.registry.stage import image_bytes, put

DAY = 86_400


def forget() -> None:
    """As if two seconds had passed: what was remembered is read again."""
    immutability.rules.forget()
    quotas.known.forget()


@pytest.fixture
def nothing_remembered() -> Iterator[None]:
    """Neither what tests before have written is known, nor what this one writes to those that follow."""
    forget()
    yield
    forget()


def immutable(repositories: str = "**", tags: str = ".*", **fields: Any) -> ImmutableRule:
    """A rule that is in force."""
    rule = ImmutableRule.objects.create(repositories=repositories, tags=tags, **{"name": "releases", **fields})
    forget()
    return rule


def retention(**fields: Any) -> RetentionRule:
    """A rule, over everything unless told otherwise."""
    return RetentionRule.objects.create(**{"name": "nightlies", **fields})


def quota(namespace: str, limit_bytes: int) -> Quota:
    """A quota that is in force and knows what is there."""
    made = Quota.objects.create(namespace=namespace, limit_bytes=limit_bytes)
    quotas.recount(made.pk)
    forget()
    return made


def push_old(repository: str, tag: str, *, days: float) -> str:
    """An image that was pushed so long ago; its digest."""
    digest = put(repository, image_bytes(repository, f"{repository} {tag}"), tag=tag)
    moment = timezone.now() - timedelta(days=days)
    Tag.objects.filter(repository__name=repository, name=tag).update(moved_at=moment)
    Manifest.objects.filter(digest=digest).update(touched_at=moment)
    return digest


def seen(repository: str, tag: str, *, days: float) -> datetime:
    """The tag was asked for so long ago, and that is counted."""
    moment = timezone.now() - timedelta(days=days)
    repository_id = ensure_repository(HUB_SOURCE_ID, repository)
    TagTotals.objects.update_or_create(
        repository_id=repository_id, tag=tag, defaults={"last_seen_at": moment, "checks": 1}
    )
    return moment


def tags_of(repository: str) -> set[str]:
    return set(Tag.objects.filter(repository__name=repository).values_list("name", flat=True))

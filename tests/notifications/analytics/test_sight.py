"""What everybody sees is added up apart from what staff sees."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from notifications.analytics.models import (
    SourceDay,
    SourceHour,
    SourceTrafficDay,
    SourceTrafficHour,
    SourceUseDay,
    SourceUseHour,
)
from registryhub.access.models import Repository
from registryhub.access.repositories import set_public
from tests.notifications.analytics.logged import NOON, counted, logged

pytestmark = pytest.mark.django_db


def sides() -> dict[tuple[str, bool], int]:
    """Pulls by table and side."""
    found: dict[tuple[str, bool], int] = {}
    for model in (SourceHour, SourceDay, SourceUseHour, SourceUseDay, SourceTrafficHour, SourceTrafficDay):
        for row in model.objects.exclude(pulls=0):
            if getattr(row, "action", "") != "fetch":
                key = (model.__name__, row.is_public)
                found[key] = found.get(key, 0) + row.pulls
    return found


def test_a_repository_takes_its_numbers_along() -> None:
    """Whether it was counted before it became public or after."""
    old = NOON - timedelta(days=5)
    counted(logged("pull", "a"), logged("pull", "b"), logged("pull", "a", occurred_at=old))
    tables = ("SourceHour", "SourceDay", "SourceUseHour", "SourceUseDay", "SourceTrafficHour", "SourceTrafficDay")
    assert sides() == {(name, True): 3 for name in tables}
    repository = Repository.objects.get(name="a")
    set_public(repository.pk, is_public=False)
    set_public(repository.pk, is_public=False)
    counted(logged("pull", "a"))
    assert sides() == {**{(name, True): 1 for name in tables}, **{(name, False): 3 for name in tables}}
    assert sum(SourceDay.objects.filter(is_public=False).values_list("pullers", flat=True)) == 2
    set_public(repository.pk, is_public=True)
    assert sides() == {(name, True): 4 for name in tables}


def test_it_is_the_same_in_the_admin_and_by_rest(client: Client) -> None:
    """Each way goes by the one verb."""
    counted(logged("pull", "a"))
    client.force_login(User.objects.create_superuser("root"))
    repository = Repository.objects.get(name="a")
    client.patch("/api/v1/repositories/a", {"is_public": False}, content_type="application/json")
    assert ("SourceHour", True) not in sides()
    client.post(reverse("admin:access_repository_change", args=(repository.pk,)), {"is_public": "on"})
    assert ("SourceHour", True) in sides()

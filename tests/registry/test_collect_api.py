"""`/api/v1/collections`."""

import pytest
from django.contrib.auth.models import User

from registryhub.registry import tasks
from registryhub.registry.collect import api
from registryhub.registry.models import Collection
from tests.rest import Rest, staff, visitor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """How often a worker was woken."""
    calls: list[bool] = []
    monkeypatch.setattr(api, "wake", lambda task: calls.append(task == tasks.collect_garbage.name))
    return calls


def root() -> Rest:
    return Rest(User.objects.create_superuser("root"))


def test_a_collection_is_asked_for_and_a_worker_is_woken(woken: list[bool]) -> None:
    """202: it is a row, which the next worker carries out; by default as the schedule does."""
    answer = root().ask("POST", "collections", {})
    assert answer.status == 202
    assert answer.document["state"] == "waiting"
    assert (answer.document["grace_seconds"], answer.document["untagged_seconds"]) == (86400.0, None)
    assert woken == [True]
    assert Collection.objects.get().pk == answer.document["id"]


def test_it_is_asked_for_in_detail(woken: list[bool]) -> None:
    """Untagged manifests have the same grace period."""
    asked = {"dry_run": True, "delete_untagged": True, "grace": "90m"}
    document = root().ask("POST", "collections/", asked).document
    assert document["is_dry_run"]
    assert (document["grace_seconds"], document["untagged_seconds"]) == (5400.0, 5400.0)


@pytest.mark.parametrize("grace", ["soon", "5", "-1h", "", 7])
def test_a_grace_period_that_is_none_is_refused(woken: list[bool], grace: object) -> None:
    """400 names the field; nothing is stored."""
    answer = root().ask("POST", "collections", {"grace": grace})
    assert answer.status == 400
    assert "grace" in answer.document
    assert not Collection.objects.exists()
    assert woken == []


def test_the_latest_come_first_page_by_page() -> None:
    """Each with what it has removed."""
    for number in range(5):
        Collection.objects.create(state="finished", grace_seconds=1.0, blobs=number, freed_bytes=10 * number)
    rest = staff()
    found = rest.all("collections?limit=2")
    assert [(each["blobs"], each["freed_bytes"]) for each in found] == [(n, 10 * n) for n in (4, 3, 2, 1, 0)]
    assert rest.get(f"collections/{found[0]['id']}").document == found[0]
    assert rest.get("collections/999999").status == 404


def test_staff_may_look_and_only_who_may_add_collections_asks_for_one(woken: list[bool]) -> None:
    """What is collected is gone."""
    rest = staff()
    assert rest.get("collections").status == 200
    assert rest.ask("POST", "collections", {}).status == 403
    assert visitor().get("collections").status in (401, 403)
    assert visitor().ask("POST", "collections", {}).status in (401, 403)
    assert woken == []

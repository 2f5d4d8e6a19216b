"""Pages of the log in both directions."""

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User

from notifications.log import listing
from notifications.log.listing import list_events, list_latest
from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.access.repositories import ensure_repository
from tests.notifications.delivery.stage import log_events

pytestmark = pytest.mark.django_db

STAFF = User(is_staff=True)
APP: dict[str, Any] = {"source_id": HUB_SOURCE_ID, "repository": "app"}


def seqs(page: listing.Page) -> list[int]:
    return [event.seq for event in page.events]


def test_the_latest_come_first_and_pages_lead_to_the_beginning() -> None:
    """Each page goes on below the last one; the first number ends it."""
    log_events(5)
    page = list_latest(STAFF, before=None, limit=2)
    assert (seqs(page), page.next, page.head) == ([5, 4], 4, 5)
    page = list_latest(STAFF, before=page.next, limit=2)
    assert (seqs(page), page.next) == ([3, 2], 2)
    page = list_latest(STAFF, before=page.next, limit=2)
    assert (seqs(page), page.next) == ([1], None)


def test_an_empty_log_and_a_number_beyond_its_head_are_no_errors() -> None:
    """Whoever types an address by hand gets a page too."""
    assert list_latest(STAFF, before=None, limit=2) == listing.Page([], None, 0)
    log_events(2)
    assert seqs(list_latest(STAFF, before=10**17, limit=9)) == [2, 1]
    assert list_latest(STAFF, before=1, limit=9) == listing.Page([], None, 2)


def test_reading_ends_at_the_first_number_wanted() -> None:
    """What is older is not looked at, and there is no page after it."""
    log_events(5)
    page = list_latest(STAFF, before=None, limit=9, first=3)
    assert (seqs(page), page.next) == ([5, 4, 3], None)
    assert list_latest(STAFF, before=None, limit=3, first=3).next is None


def test_a_page_of_the_latest_looks_at_a_bounded_number_of_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that found nothing says where to go on."""
    monkeypatch.setattr(listing, "LOOKED_AT", 3)
    log_events(1, tag="wanted")
    log_events(7)
    page = list_latest(STAFF, before=None, limit=9, tag="wanted")
    assert (seqs(page), page.next) == ([], 6)
    page = list_latest(STAFF, before=6, limit=9, tag="wanted")
    assert (seqs(page), page.next) == ([], 3)
    page = list_latest(STAFF, before=3, limit=9, tag="wanted")
    assert (seqs(page), page.next) == ([1], None)


@pytest.mark.parametrize("wanted", [APP, {"action": "push"}, {**APP, "action": "push"}])
def test_what_an_index_finds_is_found_however_far_away(wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Only events of the repository, or pushes, are looked at then, so that the others do not count."""
    monkeypatch.setattr(listing, "LOOKED_AT", 3)
    log_events(1, repository="app")
    log_events(20, action="pull")
    log_events(1, repository="app")
    log_events(20, action="pull")
    assert seqs(list_latest(STAFF, before=None, limit=9, **wanted)) == [22, 1]
    assert seqs(list_events(STAFF, after=0, limit=9, **wanted)) == [1, 22]
    assert list_latest(STAFF, before=None, limit=1, **wanted).next == 22


def test_a_popular_repository_is_not_scanned_for_a_tag_it_never_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound counts the events that the index finds."""
    monkeypatch.setattr(listing, "LOOKED_AT", 3)
    log_events(8, repository="app", tag="v1")
    page = list_latest(STAFF, before=None, limit=9, tag="v2", **APP)
    assert (seqs(page), page.next) == ([], 6)
    newer = list_events(STAFF, after=0, limit=9, tag="v2", **APP)
    assert (seqs(newer), newer.next) == ([], 3)


def test_the_anonymous_see_the_latest_of_what_is_public() -> None:
    """By the same verb as everything else."""
    for name, is_public in (("open", True), ("closed", False)):
        Repository.objects.filter(pk=ensure_repository(HUB_SOURCE_ID, name)).update(is_public=is_public)
    log_events(1, repository="open")
    log_events(1, repository="closed")
    assert seqs(list_latest(AnonymousUser(), before=None, limit=9)) == [1]
    assert seqs(list_latest(STAFF, before=None, limit=9)) == [2, 1]

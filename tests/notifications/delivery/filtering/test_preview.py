"""What an endpoint would get, before it is saved."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from notifications import facts
from notifications.delivery.definitions.typed import BadEndpoint
from notifications.delivery.filtering import preview as previews
from notifications.delivery.filtering.filters import BLOB_MEDIA_TYPE
from notifications.delivery.filtering.preview import backtest, preview, read_filter
from notifications.delivery.models import Endpoint
from notifications.facts import Facts
from tests.notifications.delivery.stage import log_events
from tests.rest import Rest

pytestmark = pytest.mark.django_db

MOVED = facts.encode(Facts("moved", "sha256:0", ("linux/arm64",))).decode()


def ago(**span: float) -> datetime:
    return timezone.now() - timedelta(**span)


def midnight() -> datetime:
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)


def test_the_latest_events_are_judged_one_by_one() -> None:
    """The newest first; each that is not sent says which key keeps it."""
    log_events(60)
    log_events(1, tag="v1", facts=MOVED)
    log_events(1, tag="v1")
    log_events(1, action="delete")
    log_events(1, media_type=BLOB_MEDIA_TYPE)
    found = preview(
        read_filter(
            {
                "filter": {"tags": ["v*"], "tagged": ["moved"]},
                "ignore": {"actions": ["delete"], "mediatypes": [BLOB_MEDIA_TYPE]},
            }
        )
    )
    assert [verdict.event.seq for verdict in found.verdicts] == list(range(64, 14, -1))
    reasons = [verdict.refused_by for verdict in found.verdicts]
    assert reasons[:4] == ["ignore.mediatypes", "ignore.actions", "filter.tagged", None]
    assert set(reasons[4:]) == {"filter.tags"}
    assert found.matching == 1


def test_what_no_endpoint_gets_is_no_part_of_it() -> None:
    """Events of others, and questions whether something is new."""
    log_events(2, action="check")
    log_events(2, source_id=2)
    log_events(2, action="notice")
    log_events(1)
    found = preview(read_filter({}))
    assert (found.matching, len(found.verdicts)) == (1, 1)


def test_history_is_counted_by_day() -> None:
    """In UTC, with the days on which there was nothing; what is older than the window does not count."""
    today = midnight()
    log_events(1, tag="v1", received_at=today - timedelta(days=20))
    log_events(1, tag="v1", received_at=today - timedelta(days=3) + timedelta(hours=1))
    log_events(2, tag="v1", received_at=today - timedelta(days=1, hours=-1))
    log_events(5, tag="latest", received_at=today - timedelta(hours=1))
    log_events(1, tag="v1", received_at=today)
    found = backtest(read_filter({"filter": {"tags": ["v1"]}}))
    assert (found.sent, found.looked_at, found.is_whole) == (4, 10, True)
    assert len(found.days) == 15
    assert [found.days[(today - timedelta(days=number)).date()] for number in range(5)] == [1, 2, 0, 1, 0]
    assert found.a_day == pytest.approx(4 / 14)
    assert backtest(read_filter({"filter": {"tags": ["v1"]}}), days=30).sent == 5


def test_a_log_younger_than_the_window_says_since_when() -> None:
    """So an average is over the days there were."""
    began = ago(days=2)
    log_events(6, received_at=began)
    found = backtest(read_filter({}))
    assert (found.since, found.is_whole, found.sent) == (began, True, 6)
    assert found.a_day == pytest.approx(3, rel=0.01)
    assert list(found.days) == [began.date() + timedelta(days=number) for number in range(3)]


def test_an_empty_log_has_nothing_to_tell() -> None:
    """And no error."""
    assert preview(read_filter({})).verdicts == []
    found = backtest(read_filter({}))
    assert (found.sent, found.looked_at, found.is_whole, found.a_day) == (0, 0, True, 0.0)


def test_the_work_is_bounded_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the events that are tried, and by those that are looked at; the numbers are of that part alone."""
    log_events(4, received_at=ago(days=3))
    log_events(3, action="pull", received_at=ago(days=2))
    log_events(3, received_at=ago(days=1))
    monkeypatch.setattr(previews, "TRIED", 5)
    found = backtest(read_filter({"filter": {"tags": ["!x"]}}))
    assert (found.sent, found.looked_at, found.is_whole) == (5, 5, False)
    assert found.since < ago(days=1.9)
    monkeypatch.setattr(previews, "TRIED", 100)
    monkeypatch.setattr(previews, "LOOKED_AT", 4)
    assert (backtest(read_filter({})).sent, backtest(read_filter({})).is_whole) == (4, False)


def test_changes_are_found_however_many_pulls_lie_between(monkeypatch: pytest.MonkeyPatch) -> None:
    """They have an index."""
    log_events(2, facts=MOVED)
    log_events(30, action="pull")
    monkeypatch.setattr(previews, "LOOKED_AT", 10)
    for keys in (
        {"filter": {"actions": ["push"]}},
        {"filter": {"tagged": ["moved"]}},
        {"ignore": {"actions": ["pull"]}},
    ):
        found = backtest(read_filter(keys))
        assert (found.sent, found.is_whole) == (2, True), keys
    assert backtest(read_filter({"filter": {"repositories": ["lib/**"]}})).sent == 10


@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_reading_in_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    """No event is counted twice or left out."""
    log_events(7)
    monkeypatch.setattr(previews, "_AT_ONCE", at_once)
    assert backtest(read_filter({})).sent == 7


def test_settings_that_choose_nothing_may_be_there_and_mistakes_are_named() -> None:
    """The whole document of an endpoint, or as much of it as there is."""
    whole = {"name": "a", "url": "http://10.0.0.1/", "headers": {"A": "b"}, "start": "head", "face": "standard"}
    assert read_filter({**whole, "filter": {"tags": ["v1"]}}) == read_filter({"filter": {"tags": ["v1"]}})
    with pytest.raises(BadEndpoint) as error:
        read_filter({"filter": {"versions": ["new"], "tag": ["a"]}, "fliter": {}})
    assert set(error.value.problems) == {"filter.versions", "filter.tag", "fliter"}


def rest(*, is_staff: bool = True) -> Rest:
    return Rest(User.objects.create_user("ada", is_staff=is_staff))


def test_the_api_previews_settings_that_are_not_saved() -> None:
    """Each event with what is known of it, and the key that refuses it."""
    log_events(1, tag="v1", facts=MOVED, actor="ann", size=7)
    log_events(1, tag="latest")
    reply = rest().ask("POST", "endpoints/preview/", {"filter": {"tags": ["v*"]}})
    assert reply.status == 200
    found: Any = reply.document
    assert (found["matching"], found["looked_at"]) == (1, 2)
    assert [(each["tag"], each["is_sent"], each["refused_by"]) for each in found["events"]] == [
        ("latest", False, "filter.tags"),
        ("v1", True, None),
    ]
    assert {name: found["events"][1][name] for name in ("seq", "actor", "size", "tagged", "platforms")} == {
        "seq": 1,
        "actor": "ann",
        "size": 7,
        "tagged": "moved",
        "platforms": ["linux/arm64"],
    }
    assert not Endpoint.objects.exists()


def test_the_api_tests_settings_on_history() -> None:
    """Over as many days as are asked for."""
    log_events(3, received_at=ago(days=20))
    log_events(2)
    asked = rest()
    found: Any = asked.ask("POST", "endpoints/backtest", {"filter": {"actions": ["push"]}}).document
    assert (found["sent"], found["is_whole"], found["days"][-1]) == (
        2,
        True,
        {"day": datetime.now(UTC).date().isoformat(), "sent": 2},
    )
    assert asked.ask("POST", "endpoints/backtest", {"days": 30}).document["sent"] == 5


@pytest.mark.parametrize("path", ["endpoints/preview", "endpoints/backtest"])
def test_the_api_names_mistakes_by_their_key(path: str) -> None:
    """As when an endpoint is made."""
    asked = rest()
    reply = asked.ask("POST", path, {"filter": {"versions": ["new"]}})
    assert reply.status == 400
    assert "write comparisons of versions" in str(reply.document["filter.versions"])
    assert asked.ask("POST", path, ["no object"]).status == 400
    assert asked.ask("POST", path, {"filter": [7]}).status == 400


@pytest.mark.parametrize("days", [0, 367, "many", None])
def test_a_window_has_limits(days: object) -> None:
    """From a day to a year."""
    reply = rest().ask("POST", "endpoints/backtest", {"days": days})
    assert (reply.status, list(reply.document)) == (400, ["days"])


@pytest.mark.parametrize("path", ["endpoints/preview", "endpoints/backtest"])
def test_only_staff_may_ask(path: str) -> None:
    """Events say who uses what."""
    assert rest(is_staff=False).ask("POST", path, {}).status == 403
    assert Rest().ask("POST", path, {}).status in (401, 403)

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from notifications.analytics.scope import Scope
from notifications.analytics.series import Group, Question, read_groups, series
from notifications.analytics.spans import (
    INTERVALS,
    MAX_POINTS,
    Interval,
    Span,
    TooManyPoints,
    floor_to,
    following,
    starts,
)
from registryhub.access.models import Repository
from tests.notifications.analytics.logged import NOON, counted, logged

pytestmark = pytest.mark.django_db


ALL = Scope(sees_private=True)


def of(*repository_ids: int) -> Scope:
    return Scope(repository_ids)


def ids() -> list[int]:
    return list(Repository.objects.values_list("pk", flat=True))


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def points(span: Span, tag: str = "") -> dict[str, tuple[int, int, int]]:
    found = series(ALL, span) if not tag else series(of(*ids()), span, tag)
    return {f"{point.start:%m-%d %H}": (point.pulls, point.checks, point.pushes) for point in found}


def test_intervals_begin_where_people_expect() -> None:
    """Weeks on Mondays, months on the first, all in UTC."""
    assert {interval: str(floor_to(interval, NOON)) for interval in INTERVALS} == {
        "hour": "2026-11-24 12:00:00+00:00",
        "day": "2026-11-24 00:00:00+00:00",
        "week": "2026-11-23 00:00:00+00:00",
        "month": "2026-11-01 00:00:00+00:00",
    }
    assert list(starts("month", day("2026-12-31"), day("2027-03-01"))) == [
        day("2026-12-01"),
        day("2027-01-01"),
        day("2027-02-01"),
    ]
    assert following("month", day("2028-01-01")) == day("2028-02-01")


@pytest.mark.parametrize("interval", INTERVALS)
def test_every_interval_adds_up_to_the_same(interval: Interval) -> None:
    """Hours, days, weeks and months count the same events."""
    for hours in range(0, 1000, 37):
        counted(logged("pull", occurred_at=NOON - timedelta(hours=hours)), logged("push", tag="v2"))
    span = Span(interval, NOON - timedelta(hours=1000), NOON + timedelta(hours=1))
    found = series(ALL, span)
    assert (sum(point.pulls for point in found), sum(point.pushes for point in found)) == (28, 28)
    assert sum(point.pulls for point in series(of(*ids()), span, "latest")) == 28
    assert sum(point.pulls for point in series(of(*ids()), span, "v2")) == 0


def test_where_nothing_happened_there_is_a_zero() -> None:
    """A chart has no holes; several repositories are added up; the end is not included."""
    counted(logged("pull"), logged("check", "b"), logged("pull", "b", occurred_at=NOON - timedelta(hours=2)))
    assert points(Span("hour", NOON - timedelta(hours=2), day("2026-11-24 13:00"))) == {
        "11-24 10": (1, 0, 0),
        "11-24 11": (0, 0, 0),
        "11-24 12": (1, 1, 0),
    }
    assert points(Span("day", day("2026-11-23"), day("2026-11-24"))) == {"11-23 00": (0, 0, 0)}
    assert points(Span("day", day("2026-11-24"), day("2026-11-24 00:01"))) == {"11-24 00": (2, 1, 0)}


def test_a_span_of_too_many_points_is_refused() -> None:
    """Before anything is read."""
    with pytest.raises(TooManyPoints, match=str(MAX_POINTS)):
        series(ALL, Span("hour", day("2020-01-01"), NOON))


@pytest.mark.parametrize("interval", ["hour", "day"])
def test_groups_are_the_leaders_with_their_points(interval: Interval) -> None:
    """Ties go by name, and one query does for any number of them."""
    for number, name in enumerate(("a", "b", "c", "d")):
        counted(*[logged("pull", name, tag=f"v{name}")] * (number % 3 + 1))
    span = Span(interval, NOON - timedelta(hours=30), NOON + timedelta(hours=1))
    with CaptureQueriesContext(connection) as queries:
        groups = read_groups(Question(ALL, span, group_by="repository", limit=3))
    assert len(queries) == 1
    assert pulls(groups) == {"c": 3, "b": 2, "a": 1}
    of_c = of(Repository.objects.get(name="c").pk)
    assert pulls(read_groups(Question(of_c, span, group_by="tag"))) == {"vc": 3}
    assert read_groups(Question(of(), span, group_by="tag")) == []


def pulls(groups: Sequence[Group]) -> dict[str, int]:
    return {group.name: group.total("pulls") for group in groups}


def test_what_counts_for_nothing_is_found_too() -> None:
    """An hour in which a layer was mounted and nothing else happened; of a repository and of all."""
    counted(logged("mount", media_type="application/octet-stream", tag=""))
    for scope in (ALL, of(*ids())):
        for interval in INTERVALS:
            [group] = read_groups(Question(scope, Span(interval, NOON, NOON + timedelta(hours=1)), {"action": "mount"}))
            assert group.total("requests") == 1


@pytest.mark.only_database("sqlite")
@pytest.mark.parametrize("interval", INTERVALS)
def test_sqlite_looks_into_each_hour_for_what_is_asked(interval: Interval) -> None:
    """By all that the key begins with: the time and whose it is. PostgreSQL's plans are in `test_plans`."""
    counted(logged("pull"))
    span = Span(interval, NOON - timedelta(days=40), NOON)
    questions = [
        Question(of(*ids()), span, group_by=by) for by in ("", "repository", "tag", "digest", "client", "actor")
    ]
    questions += [Question(ALL, span, group_by=by) for by in ("", "repository", "platform", "actor")]
    for question in questions:
        with CaptureQueriesContext(connection) as queries, connection.cursor() as cursor:
            read_groups(question)
            cursor.execute(f"EXPLAIN QUERY PLAN {queries[0]['sql']}")
            plan = [row[3] for row in cursor.fetchall()]
        read = [line for line in plan if "analytics_" in line and "windowstart" not in line and "totals" not in line]
        assert len(read) >= (2 if interval == "hour" else 4), plan
        whose = r"\((hour|day)(=\? AND (repository_id|source_id)=\?.*|>\? AND (hour|day)<\?)\)"
        assert all(re.search(whose, line) for line in read), (question, read)

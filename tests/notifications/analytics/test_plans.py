"""However much there is, numbers are read by indexes from rolled-up rows, and a bounded number of them.

PostgreSQL is asked how it reads; with so few rows it would rather read whole tables, or all that is of one time, which
is forbidden to it here.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.analytics import boards as board_readers
from notifications.analytics import days
from notifications.analytics.boards import boards, read_board
from notifications.analytics.firsts import first_counted
from notifications.analytics.models import RepositoryHour
from notifications.analytics.scope import Scope
from notifications.analytics.series import GROUPINGS, Question, read_groups
from notifications.analytics.spans import INTERVALS, Interval, Span
from notifications.analytics.tables import DAYS_OF
from notifications.analytics.windows import WINDOWS
from registryhub.access.models import HUB_SOURCE_ID
from tests.webui.filled import make_repository
from tests.webui.numbers import Tally

pytestmark = [pytest.mark.django_db, pytest.mark.only_database("postgres")]

REPOSITORIES, HOURS, LINES = 40, 30, 3
HUB = Scope(source_id=HUB_SOURCE_ID, sees_private=True)
EVERYTHING = Scope(sees_private=True)
ROLLED_UP = ("hour", "day")


@pytest.fixture
def much() -> list[int]:
    """Over two days, the first of which is over; as many users as repositories."""
    now, tally = timezone.now(), Tally()
    repositories = [make_repository(f"many/{number}", is_public=number % 2 == 0) for number in range(REPOSITORIES)]
    for repository in repositories:
        for hours in range(HOURS):
            at = now - timedelta(hours=hours)
            tally.count(repository, at, "v1", actor=f"robot-{repository.name}", pull_tag=9, push=1)
            tally.fetch(repository, at, "linux/amd64", 3)
    tally.write()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    return [repository.pk for repository in repositories]


def scans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Wherever rows of a table are read."""
    if "Relation Name" in node and node["Node Type"] != "ModifyTable":
        yield node
    for child in node.get("Plans", ()):
        yield from scans(child)


def plan_of(statement: str, options: str = "") -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN ({options}FORMAT JSON) " + statement.replace("%", "%%"))
        (found,) = cursor.fetchone()
    plan: dict[str, Any] = (found if isinstance(found, list) else orjson.loads(found))[0]["Plan"]
    return plan


def assert_is_found(scan: dict[str, Any]) -> str:
    """The table, which is not the log, and none of hours or days that is read whole."""
    table: str = scan["Relation Name"]
    assert table != "log_event"
    assert not table.endswith(ROLLED_UP) or "Index Cond" in scan or "Recheck Cond" in scan, scan
    return table


def read_rows(queries: CaptureQueriesContext) -> int:
    """How many rows of hours and days were read. Asserts that no table of them, nor the log, was read whole."""
    rows = 0
    for query in list(queries):
        for scan in scans(plan_of(query["sql"], "ANALYZE, ")):
            table = assert_is_found(scan)
            if not table.endswith(ROLLED_UP):
                continue
            rows += (scan["Actual Rows"] + scan.get("Rows Removed by Filter", 0)) * scan["Actual Loops"]
    return rows


def test_boards_read_the_totals_and_little_else(much: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of hours and days only those of the lines that are shown, or of the candidates."""
    monkeypatch.setattr(board_readers, "CANDIDATES", LINES)
    most = 3 * LINES * HOURS
    assert most < RepositoryHour.objects.count()
    for board in boards().values():
        if board.name in ("top-actors", "fastest-to-running"):
            continue
        for window in WINDOWS:
            if window in board.windows:
                with CaptureQueriesContext(connection) as queries:
                    read_board(board, HUB, window, timezone.now(), LINES)
                assert read_rows(queries) <= most, (board.name, window)


@pytest.mark.parametrize("interval", INTERVALS)
def test_what_is_asked_of_all_reads_what_is_added_up_of_all(much: list[int], interval: Interval) -> None:
    """As many rows as hours and days, not times the repositories or those who use them."""
    span = Span(interval, timezone.now() - timedelta(hours=HOURS), timezone.now())
    for scope in (HUB, EVERYTHING, Scope(source_id=HUB_SOURCE_ID)):
        for by in ("", "source", "client", "platform", "audience"):
            with CaptureQueriesContext(connection) as queries:
                groups = read_groups(Question(scope, span, group_by=by))
            assert len(queries) == 1
            assert groups
            assert read_rows(queries) <= 10 * HOURS, (by, interval)


@pytest.mark.parametrize("interval", INTERVALS)
def test_what_is_asked_of_one_reads_its_own_rows(much: list[int], interval: Interval) -> None:
    """Whatever it is grouped by; of the leaders too."""
    span = Span(interval, timezone.now() - timedelta(hours=HOURS), timezone.now())
    questions = [Question(Scope((much[0],)), span, group_by=by) for by in (*GROUPINGS, "") if by != "source"]
    questions.append(Question(HUB, span, group_by="repository", limit=LINES))
    for question in questions:
        with CaptureQueriesContext(connection) as queries:
            read_groups(question)
        assert len(queries) == 1
        assert read_rows(queries) <= 6 * LINES * HOURS, question


def test_leaders_are_looked_for_once(much: list[int]) -> None:
    """Whatever hours, days and pullers are read of them."""
    span = Span("day", timezone.now() - timedelta(hours=HOURS), timezone.now())
    with CaptureQueriesContext(connection) as queries:
        read_groups(Question(HUB, span, group_by="repository", limit=LINES))
    tables = [scan["Relation Name"] for query in queries for scan in scans(plan_of(query["sql"]))]
    assert tables.count("analytics_repositorytotals") == 1


def test_when_counting_began_is_read_from_few_rows(much: list[int]) -> None:
    """Of a source and of a repository."""
    for scope in (HUB, Scope((much[0],))):
        with CaptureQueriesContext(connection) as queries:
            assert first_counted(scope)
        assert read_rows(queries) <= 4 * HOURS


def test_a_day_that_ends_is_found_in_all_tables(much: list[int]) -> None:
    """It is added up from its own hours, whatever has been counted before."""
    end = timezone.now() - timedelta(days=9)
    with CaptureQueriesContext(connection) as queries:
        days.close(end - timedelta(days=1), end)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_bitmapscan = on")
    tables = {assert_is_found(scan) for query in queries for scan in scans(plan_of(query["sql"]))}
    assert {hours.name for hours in DAYS_OF} <= tables

import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from registryhub.access.models import HUB_SOURCE_ID, Repository, Source
from registryhub.access.repositories import set_public
from tests.notifications.analytics.logged import NOON, counted, logged
from tests.rest import Rest, staff, visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def numbers(db: None) -> None:
    """At this hub a public and a private repository, at another registry one private."""
    edge = Source.objects.create(name="edge")
    now = timezone.now()
    counted(
        *[logged("pull", "open", occurred_at=now)] * 3,
        *[logged("pull", "closed", tag="v1", occurred_at=now)] * 5,
        logged("push", "closed", tag="v2", occurred_at=now),
        logged("pull", "open", source_id=edge.pk, occurred_at=now),
    )
    for repository in Repository.objects.all():
        set_public(repository.pk, is_public=repository.name == "open" and repository.source_id == HUB_SOURCE_ID)


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(StringIO(text)))


@pytest.mark.usefixtures("numbers")
@pytest.mark.parametrize("slash", ["", "/"])
def test_everybody_sees_the_numbers_of_what_they_see(slash: str) -> None:
    """The anonymous of the public repositories, staff of all; with and without the slash."""
    for who, pulls in ((visitor(), 3), (Rest(User.objects.create_user("eve")), 3), (staff(), 8)):
        answer = who.get(f"stats{slash}")
        assert answer.status == 200
        assert answer.document["totals"]["pulls"] == pulls
        board = who.get(f"leaderboards/most-pulled{slash}").document
        assert sum(place["pulls"] for place in board["results"]) == pulls


@pytest.mark.usefixtures("numbers")
def test_a_private_repository_is_as_if_it_did_not_exist() -> None:
    """The same answer for both, and for sources without anything public."""
    hidden, missing = visitor().get("stats?repository=closed"), visitor().get("stats?repository=nowhere")
    assert (hidden.status, missing.status) == (404, 404)
    assert hidden.text.replace("closed", "") == missing.text.replace("nowhere", "")
    for path in ("stats?source=edge", "stats?source=none", "leaderboards/most-pulled?source=edge"):
        assert visitor().get(path).status == 404
    assert staff().get("stats?source=edge").document["totals"]["pulls"] == 1


@pytest.mark.usefixtures("numbers")
def test_stats_of_a_tag() -> None:
    """By hour, the last two days by default."""
    answer = staff().get("stats?repository=closed&tag=v1&interval=hour").document
    assert len(answer["points"]) == 48
    assert answer["points"][-1]["pulls"] == 5
    totals = answer["totals"]
    assert (totals["pulls"], totals["checks"], totals["pushes"], totals["bytes"]) == (5, 0, 0, None)
    assert (answer["source"], answer["repository"], answer["tag"], answer["rule"]) == ("hub", "closed", "v1", 1)
    assert answer["points"][0]["start"].endswith(":00:00Z")


def test_start_and_end_are_dates_or_moments() -> None:
    """A date as the end includes that day; a moment is not included; other zones are understood."""
    counted(logged("pull"), logged("pull", occurred_at=NOON + timedelta(days=1)))
    ada = staff()

    def starts(query: str) -> list[str]:
        return [point["start"] for point in ada.get(f"stats?{query}").document["points"]]

    assert starts("start=2026-11-24&end=2026-11-25") == ["2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z"]
    assert starts("start=2026-11-24T12:00:00Z&end=2026-11-25T00:00:00Z") == ["2026-11-24T00:00:00Z"]
    assert starts("interval=hour&start=2026-11-24T01:30:00%2B02:00&end=2026-11-24T02:00:00%2B02:00") == [
        "2026-11-23T23:00:00Z"
    ]
    assert ada.get("stats?start=2026-11-24&end=2026-11-25").document["totals"]["pulls"] == 2


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("interval=minute", "interval"),
        ("start=yesterday", "start"),
        ("start=2026-01-02&end=2026-01-01", "start"),
        ("start=0001-01-01", "start"),
        ("end=9999-12-31", "end"),
        ("interval=hour&start=2000-01-01&end=2026-01-01", "interval"),
        ("tag=latest", "tag"),
        ("repository=a%00b", "repository"),
        ("group_by=tag", "group_by"),
        ("group_by=colour", "group_by"),
        ("group_by=repository&limit=1000", "limit"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused_by_name(query: str, names: str) -> None:
    """400 and which parameter, never a fault of the database."""
    answer = staff().get(f"stats?{query}")
    assert answer.status == 400
    assert list(answer.document) == [names]


@pytest.mark.usefixtures("numbers")
def test_stats_can_be_grouped() -> None:
    """By repository, and within one by tag."""
    ada = staff()
    groups = ada.get("stats?group_by=repository").document["groups"]
    assert [(group["name"], sum(point["pulls"] for point in group["points"])) for group in groups] == [
        ("closed", 5),
        ("open", 3),
    ]
    groups = ada.get("stats?group_by=tag&repository=closed").document["groups"]
    assert [group["name"] for group in groups] == ["v1", "v2"]
    assert [group["name"] for group in visitor().get("stats?group_by=repository").document["groups"]] == ["open"]


@pytest.mark.usefixtures("numbers")
@pytest.mark.parametrize("window", ["24h", "7d", "30d", "90d", "all"])
@pytest.mark.parametrize("board", ["most-pulled", "most_pulled"])
def test_the_board_of_the_most_pulled(board: str, window: str) -> None:
    """In every window, under both spellings of its name."""
    answer = staff().get(f"leaderboards/{board}?window={window}").document
    assert [(row["rank"], row["repository"], row["source"], row["pulls"]) for row in answer["results"]] == [
        (1, "closed", "hub", 5),
        (2, "open", "hub", 3),
    ]
    assert (answer["board"], answer["window"], answer["rule"]) == ("most-pulled", window, 1)
    assert (answer["since"] is None) == (window == "all")


@pytest.mark.usefixtures("numbers")
def test_boards_are_asked_with_sense() -> None:
    """Unknown boards are 404 with those there are; windows and limits have bounds."""
    ada = staff()
    assert "most-pulled" in ada.get("leaderboards/most-loved").document["detail"]
    assert ada.get("leaderboards/most-loved").status == 404
    for query in ("window=8d", "limit=0", "limit=101", "limit=x"):
        assert ada.get(f"leaderboards/most-pulled?{query}").status == 400
    assert len(ada.get("leaderboards/most-pulled?limit=1").document["results"]) == 1


def test_csv_cells_cannot_become_formulas() -> None:
    """Names of other registries are anything at all."""
    edge = Source.objects.create(name="edge")
    names = ["=1+1", "+x", "-x", "@x", "\tx", 'a,"b', "plain"]
    counted(*(logged("pull", name, source_id=edge.pk, occurred_at=timezone.now()) for name in names))
    answer = staff().get("leaderboards/most-pulled?format=csv&source=edge")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["Content-Disposition"]
    header, *lines = rows(answer.text)
    assert header == ["rank", "repository", "source", "actor", "value", "pulls", "excluded", "last_pushed_at"]
    assert {line[1] for line in lines} == {"'=1+1", "'+x", "'-x", "'@x", "'\tx", 'a,"b', "plain"}


@pytest.mark.usefixtures("numbers")
def test_stats_as_csv() -> None:
    """A line a point; errors are readable there too."""
    ada = staff()
    lines = rows(ada.get("stats?format=csv&repository=closed&tag=v1").text)
    assert lines[0] == ["name", "start", "pulls", "checks", "pushes", "excluded", "bytes", "pullers", "requests"]
    assert len(lines) == 31
    assert lines[-1][0] == "closed:v1"
    assert lines[-1][2:] == ["5", "0", "0", "", "", "", ""]
    grouped = rows(ada.get("stats?format=csv&group_by=repository").text)
    assert len(grouped) == 61
    wrong = ada.get("stats?format=csv&interval=x")
    assert wrong.status == 400
    assert "interval" in wrong.text
    unknown = ada.get("stats?format=xlsx")
    assert (unknown.status, list(unknown.document)) == (400, ["format"])

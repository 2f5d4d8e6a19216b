"""The benchmark runs; what it measures is for `make bench` to say."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from notifications import events
from tests.bench.history import History
from tests.bench.lines import LINES
from tests.bench.measure import Line, Measured, Plan, Verdict, percentile
from tests.bench.plot import draw, read
from tests.servers.databases import ROOT


@pytest.mark.only_database("sqlite")
@pytest.mark.peer("docker-registry", "wrk")
def test_a_line_runs_beside_the_peer(tmp_path: Path) -> None:
    """One short round of one line, hub and peer in alternation, as a table and as JSON."""
    report = tmp_path / "report.json"
    options = ["--quick", "--rounds", "1", "--database", "sqlite", "--only", "manifest-tag", "--json", str(report)]
    result = subprocess.run(
        [sys.executable, "-m", "tests.bench", *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "manifest GET by tag" in result.stdout
    (line,) = json.loads(report.read_text())["lines"]
    assert line["hub"] > 0
    assert line["beside_median"] > 0
    assert line["conditions"]["every pull counted once"]


def test_names_of_lines_are_unique() -> None:
    """`--only` chooses one line."""
    assert len({line.name for line in LINES}) == len(LINES)


def test_goals_are_judged_by_medians_and_conditions() -> None:
    """A ratio of medians at the goal meets it; a condition that failed once spoils it; a smoke run judges nothing."""
    line = Line("x", "x", "/s", "docker-registry", "at least", {"sqlite": 2, "postgres": 3}, _nothing)
    measured = Measured(hub=[1, 20, 1000], beside=[10, 10, 10])
    assert Verdict(line, "sqlite", measured, quick=False).is_met is True
    assert Verdict(line, "postgres", measured, quick=False).is_met is False
    assert Verdict(line, "sqlite", measured, quick=True).is_met is None
    measured.require("whole", False)
    measured.require("whole", True)
    assert Verdict(line, "sqlite", measured, quick=False).is_met is False


def test_a_line_without_a_peer_is_judged_by_itself() -> None:
    """Memory has a bound of its own."""
    line = Line("x", "x", "MiB", "nothing", "at most", {"sqlite": 200, "postgres": 200}, _nothing)
    assert Verdict(line, "sqlite", Measured(hub=[150]), quick=False).is_met is True
    assert Verdict(line, "sqlite", Measured(hub=[250]), quick=False).is_met is False
    assert Verdict(line, "sqlite", Measured(), quick=False).is_met is None


def test_percentiles() -> None:
    """The nearest rank, which for few values is the largest."""
    assert percentile([float(number) for number in range(1000)], 0.99) == 990
    assert percentile([3.0, 1.0], 0.99) == 3.0


def test_growth_is_drawn_from_a_report() -> None:
    """A line for each kind of question, with a point for each number of events; the last hub measured counts."""
    notes = {
        "200 events, boards, p50 ms": 1.0,
        "200 events, boards, p95 ms": 4.0,
        "20,000 events, boards, p95 ms": 40.0,
        "20,000 events, tags <all>, p95 ms": 8.0,
        "200 events, counted again a second": 9.0,
    }
    lines = read({"lines": [{"line": "boards", "notes": {}}, {"line": "boards", "notes": notes}, {"line": "tags"}]})
    assert lines == {"boards": {200: 4.0, 20_000: 40.0}, "tags <all>": {20_000: 8.0}}
    picture = ElementTree.fromstring(draw(lines))
    words = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"boards", "tags <all>", "200", "20,000"} <= set(words)
    assert len(list(picture.iter("{http://www.w3.org/2000/svg}circle"))) == 3


def test_a_history_is_one_that_a_hub_could_have_had() -> None:
    """Numbers without gaps over 90 days, and the JSON of each event says what its columns say."""
    end = datetime(2026, 12, 1, 12, tzinfo=UTC)
    found = list(History(3000, end, seq=7))
    assert [event.seq for event in found] == list(range(7, 3007))
    assert {event.occurred_at.date() for event in found} == {end.date() - timedelta(days=day) for day in range(91)}
    for logged in found:
        event = events.parse(logged.raw)
        assert (event.id, event.timestamp, event.action) == (logged.event_id, logged.occurred_at, logged.action)
        assert (event.repository, event.tag, event.digest) == (logged.repository, logged.tag, logged.digest)
        assert (event.method, event.actor, event.size) == (logged.method, logged.actor, logged.size)


def _nothing(plan: Plan) -> Measured:
    return Measured()

import io

import pytest

from registryhub.registry.tree.report import Report


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Its only item is the time."""
    now = [0.0]
    monkeypatch.setattr("registryhub.registry.tree.report.time.monotonic", lambda: now[0])
    return now


def test_how_far_it_is_is_told_once_a_second(clock: list[float]) -> None:
    """Not at each of a thousand manifests."""
    output = io.StringIO()
    report = Report(output)
    for _ in range(1000):
        report.add("manifests")
        clock[0] += 0.002
    assert output.getvalue() == "501 manifests\n"
    assert report.words() == "1,000 manifests"


def test_on_a_terminal_it_is_told_in_one_line(clock: list[float]) -> None:
    """Which gives way to what is skipped."""
    output = Terminal()
    report = Report(output)
    clock[0] = 1.0
    report.add("repositories", 2)
    report.skip("tag app:1", "it has no link")
    assert output.getvalue() == "\r\x1b[K2 repositories\r\x1b[Kskipped tag app:1: it has no link\n"
    assert report.words() == "2 repositories, 1 skipped"


def test_nothing_is_a_word_too() -> None:
    """Of a run that found nothing to do."""
    assert Report(io.StringIO()).words() == "nothing"

"""How pages write numbers and times."""

from datetime import timedelta

import pytest
from django.utils import timezone

from webui.templatetags.hub import ago, counted, grouped, percent, repository_url, short, sized, spaced, tag_url


def test_numbers_are_grouped() -> None:
    """By thousands."""
    assert grouped(1234567) == "1,234,567"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "0 s"), (0, "0 s"), (59, "59 s"), (60, "1 min"), (3600, "1 h"), (86400 * 8, "8 d"), (86400 * 800, "2 y")],
)
def test_times_are_written_in_the_largest_unit(seconds: int, text: str) -> None:
    """A clock that runs ahead is now."""
    assert ago(timezone.now() - timedelta(seconds=seconds)) == text


def test_windows_are_spaced() -> None:
    """As people write them."""
    assert [spaced(window) for window in ("24h", "7d", "all")] == ["24 h", "7 d", "All"]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (41_200_000, "41.2 MB"),
        (999_960_000, "1.0 GB"),
        (3_050_000_000_000, "3.0 TB"),
        (10**18, "1,000.0 PB"),
    ],
)
def test_sizes_are_written_by_thousands(number: int, text: str) -> None:
    """As disks and networks are sold."""
    assert sized(number) == text


def test_things_are_counted_in_words() -> None:
    """One, and many."""
    assert [counted(number, "push,pushes") for number in (0, 1, 2000)] == ["0 pushes", "1 push", "2,000 pushes"]


def test_shares_are_written_as_exactly_as_they_matter() -> None:
    """Large ones without a fraction."""
    assert [percent(share) for share in (43.7, 18.0, 3.24, 3.0, 0.1)] == ["44 %", "18 %", "3.2 %", "3 %", "0.1 %"]


def test_digests_are_short() -> None:
    """What is none stays."""
    assert short("sha256:9f2c4e81b0aa77") == "9f2c4e81b0aa"
    assert short("odd") == "odd"


def test_addresses_of_images_say_whose_they_are() -> None:
    """Unless they are this hub's; whatever they are called."""
    assert repository_url("team/app") == "/repositories/team/app"
    assert repository_url("team/app", "my harbor") == "/repositories/team/app?source=my+harbor"
    assert tag_url("team/app", "hub", "v1") == "/repositories/team/app/-/tags/v1"
    assert tag_url("a?b", "x", "v#1") == "/repositories/a%3Fb/-/tags/v%231?source=x"

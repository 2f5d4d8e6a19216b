from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registryhub.config.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("-0", 0.0),
        ("+5s", 5.0),
        ("-1.5s", -1.5),
        ("1h30m", 5400.0),
        ("1h1h", 7200.0),
        (".5s", 0.5),
        ("1.s", 1.0),
        ("200ms", 0.2),
        ("3us", 3e-6),
        ("3µs", 3e-6),
        ("3μs", 3e-6),
        ("7ns", 7e-9),
        ("0.5ns", 0.0),
        ("168h", 604800.0),
        ("2562047h47m16.854775807s", 9223372036.854775807),
        (1_000_000_000, 1.0),
        (-1, -1e-9),
    ],
)
def test_durations_are_read_as_go_reads_them(text: str | int, seconds: float) -> None:
    """Units, fractions, sums and signs of Go; an integer is nanoseconds."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "1d", "s", ".s", "1 s", " 1s", "1s ", "1m30", "--1s", "1S", "٣s", "1e3s", "+", "-"]
)
def test_what_is_no_duration_is_refused_with_an_example(text: str) -> None:
    """The message shows how a duration is written."""
    with pytest.raises(ValueError, match="such as 500ms, 10s or 1h30m"):
        parse_duration(text)


@pytest.mark.parametrize("value", ["2562048h", 2**63, -(2**63)])
def test_durations_beyond_gos_range_are_refused(value: str | int) -> None:
    """What Go cannot hold is a mistake here too."""
    with pytest.raises(ValueError, match="292 years"):
        parse_duration(value)


@given(st.integers(min_value=-(2**63) + 1, max_value=2**63 - 1))
def test_what_is_formatted_reads_back_as_the_same_value(nanoseconds: int) -> None:
    """Formatting loses nothing, whatever the size."""
    seconds = parse_duration(nanoseconds)
    assert parse_duration(format_duration(seconds)) == seconds


_UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


@given(st.lists(st.tuples(st.integers(0, 10**5), st.sampled_from(sorted(_UNITS))), min_size=1, max_size=5))
def test_a_sum_of_parts_is_the_sum_of_their_values(parts: list[tuple[int, str]]) -> None:
    """Any sequence of units in any order adds up."""
    text = "".join(f"{number}{unit}" for number, unit in parts)
    assert parse_duration(text) == parse_duration(sum(number * _UNITS[unit] for number, unit in parts))


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_a_clear_mistake(text: str) -> None:
    """Nothing but ValueError ever leaves the parser."""
    with suppress(ValueError):
        assert isinstance(parse_duration(text), float)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (0.2, "200ms"), (1, "1s"), (90, "90s"), (604800, "168h"), (-5400, "-90m")]
)
def test_formatting_takes_the_largest_unit_that_fits(seconds: float, text: str) -> None:
    """One unit, no fractions."""
    assert format_duration(seconds) == text

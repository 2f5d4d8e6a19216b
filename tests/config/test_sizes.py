import pytest
from hypothesis import given
from hypothesis import strategies as st

from registryhub.config.sizes import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (0, 0),
        ("17", 17),
        ("17B", 17),
        ("4MiB", 4 << 20),
        ("4 MiB", 4 << 20),
        ("4mib", 4 << 20),
        ("4MB", 4_000_000),
        ("1kb", 1000),
        ("2GiB", 2 << 30),
        ("1TiB", 1 << 40),
        ("3TB", 3 * 10**12),
    ],
)
def test_sizes_know_both_kinds_of_units(text: str | int, size: int) -> None:
    """iB counts in 1024s, B in 1000s, whatever the case."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "1.5GiB", "-1", "4M", "4 MiB ", "٤MiB", "1PiB"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    """The message names the units."""
    with pytest.raises(ValueError, match="such as 64MiB"):
        parse_size(text)


@pytest.mark.parametrize("value", [-1, 2**63, "9000000TiB"])
def test_sizes_are_bounded(value: str | int) -> None:
    """A negative or absurd size is a mistake."""
    with pytest.raises(ValueError, match="8 EiB"):
        parse_size(value)


@given(st.integers(0, 2**63 - 1))
def test_what_is_formatted_reads_back_as_the_same_size(size: int) -> None:
    """Formatting loses nothing."""
    assert parse_size(format_size(size)) == size

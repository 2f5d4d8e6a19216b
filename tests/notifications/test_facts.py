"""What is known of a push besides what the wire says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications import facts
from notifications.facts import CHANGES, MOST_PLATFORMS, NOTHING, Facts, readable_platforms

FACTS = st.builds(
    Facts,
    tagged=st.sampled_from(("", *CHANGES)),
    moved_from=st.sampled_from(("", f"sha256:{'a' * 64}")),
    platforms=st.lists(st.from_regex(r"[a-z0-9]{1,9}/[a-z0-9]{1,9}", fullmatch=True), max_size=3).map(tuple),
)


@given(FACTS)
def test_what_is_written_is_read(known: Facts) -> None:
    """In one line of JSON; nothing is nothing."""
    line = facts.encode(known)
    assert b"\n" not in line
    assert (line == b"") is (known == NOTHING)
    assert facts.parse(line.decode()) == known


@pytest.mark.parametrize("text", ["{", "[]", "7", "null", '{"platforms":7}', '{"tagged":"odd"}'])
def test_what_cannot_be_read_says_nothing(text: str) -> None:
    """A log that was restored from elsewhere does not stop a sender."""
    assert facts.parse(text) == NOTHING


def test_platforms_are_words_and_not_many() -> None:
    """A manifest says what its author likes."""
    assert readable_platforms(["linux/arm64", "linux/amd64", "linux/arm64"]) == ("linux/arm64", "linux/amd64")
    assert readable_platforms(["", "a b", "x" * 101, "no\nline", "linux/arm/v7"]) == ("linux/arm/v7",)
    assert len(readable_platforms(f"os/{number}" for number in range(1000))) == MOST_PLATFORMS

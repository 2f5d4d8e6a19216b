"""What is known of a manifest besides what the wire says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications import facts
from notifications.facts import (
    CHANGES,
    MOST_CHILDREN,
    MOST_PLATFORMS,
    NOTHING,
    SHORT_DIGEST,
    Facts,
    is_readable,
    readable_platforms,
    short_children,
)

FACTS = st.builds(
    Facts,
    tagged=st.sampled_from(("", *CHANGES)),
    moved_from=st.sampled_from(("", f"sha256:{'a' * 64}")),
    platforms=st.lists(st.from_regex(r"[a-z0-9]{1,9}/[a-z0-9]{1,9}", fullmatch=True), max_size=3).map(tuple),
    children=st.lists(st.from_regex(r"[0-9a-f]{12}", fullmatch=True), max_size=3).map(tuple),
    is_attached=st.booleans(),
)


@given(FACTS)
def test_what_is_written_is_read(known: Facts) -> None:
    """In one line of JSON; nothing is nothing."""
    line = facts.encode(known)
    assert b"\n" not in line
    assert b"\t" not in line
    assert is_readable(line) is (known != NOTHING)
    assert (line == b"") is (known == NOTHING)
    assert facts.parse(line.decode()) == known


@pytest.mark.parametrize(
    "text", ["{", "[]", "7", "null", '{"platforms":7}', '{"children":7}', '{"attached":1}', '{"tagged":"odd"}']
)
def test_what_cannot_be_read_says_nothing(text: str) -> None:
    """A log that was restored from elsewhere does not stop a sender."""
    assert facts.parse(text) == NOTHING


def test_platforms_are_words_and_not_many() -> None:
    """A manifest says what its author likes."""
    assert readable_platforms(["linux/arm64", "linux/amd64", "linux/arm64"]) == ("linux/arm64", "linux/amd64")
    assert readable_platforms(["", "a b", "x" * 101, "no\nline", "linux/arm/v7"]) == ("linux/arm/v7",)
    assert len(readable_platforms(f"os/{number}" for number in range(1000))) == MOST_PLATFORMS


def test_children_are_short_and_not_many() -> None:
    """Each once; of a list that would be cut off nothing is told: it would say that the others are no children."""
    digests = [f"{number:064x}"[::-1] for number in range(MOST_CHILDREN)]
    assert short_children(digests + digests) == tuple(digest[:SHORT_DIGEST] for digest in digests)
    assert short_children([*digests, "f" * 64]) == ()


@pytest.mark.parametrize("line", [b"", b"[]", b"7", b'{"tagged":"ne', b"\xff", b'{"tagged":"a\x00"}', b'{"a":1}\t{}'])
def test_what_no_database_should_keep_is_no_line_of_facts(line: bytes) -> None:
    """What is torn, is no object, or has a raw NUL."""
    assert not is_readable(line)

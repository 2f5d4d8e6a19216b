"""Versions in tags, and ranges of them."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from registryhub.semver import Version, parse_range, parse_version

NUMBERS = st.tuples(*[st.integers(0, 3)] * 3)
TAILS = st.lists(st.sampled_from(("0", "1", "10", "alpha", "rc", "-", "a1")), min_size=1, max_size=3).map(".".join)
RELEASES = NUMBERS.map(lambda numbers: ".".join(map(str, numbers)))
VERSIONS = st.one_of(RELEASES, st.builds("{}-{}".format, RELEASES, TAILS))


def version(text: str) -> Version:
    found = parse_version(text)
    assert found is not None
    return found


def holds(text: str, tag: str) -> bool:
    return parse_range(text).holds(version(tag))


def test_versions_are_in_the_order_of_the_specification() -> None:
    """The example of its section 11."""
    tails = ("alpha", "alpha.1", "alpha.beta", "beta", "beta.2", "beta.11", "rc.1")
    ordered = [version(f"1.0.0-{tail}") for tail in tails] + [version(text) for text in ("1.0.0", "1.0.1", "1.10.0")]
    assert [sorted(pair) for pair in pairwise(ordered)] == [list(pair) for pair in pairwise(ordered)]
    assert len(set(ordered)) == len(ordered)


@pytest.mark.parametrize("tag", ["v1.4.2", "1.4.2"])
def test_a_v_in_front_is_let_pass(tag: str) -> None:
    """And a version of two numbers has a third of zero."""
    assert version(tag) == Version((1, 4, 2))
    assert version("1.4") == version("1.4.0")


@pytest.mark.parametrize(
    "tag",
    ["", "latest", "1", "20261124", "01.2.3", "1.2.3.4", "1.2.3-", "1.2.3-01", "1.2.3+b", "V1.2.3", "1.2.3\n", "١.٢"],
)
def test_what_is_no_version(tag: str) -> None:
    """A lone number may be a day or a build."""
    assert parse_version(tag) is None


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=1.2 <2", "1.2.0 1.9.9 1.2", "1.1.9 2.0.0 2.0.0-rc.1 1.3.0-rc.1"),
        (">=1.2, <2", "1.2.0", "2.0.0"),
        ("^1.4", "1.4.0 1.99.0", "1.3.9 2.0.0 2.0.0-0"),
        ("^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0"),
        ("^0.2.3", "0.2.3 0.2.9", "0.2.2 0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4 0.1.0"),
        ("^0.0", "0.0.0 0.0.9", "0.1.0"),
        ("^0", "0.0.1 0.9.0", "1.0.0"),
        ("^1.2.3-beta.2", "1.2.3-beta.2 1.2.3-rc 1.2.3 1.3.0", "1.2.3-beta.1 1.2.4-beta.3 2.0.0-beta.2"),
        ("~1.4.2", "1.4.2 1.4.9", "1.4.1 1.5.0"),
        ("~1.4", "1.4.0 1.4.9", "1.5.0"),
        ("~1", "1.0.0 1.9.0", "2.0.0 0.9.0"),
        ("1.4.x", "1.4.0 1.4.9", "1.5.0"),
        ("1.4", "1.4.0 1.4.9", "1.5.0"),
        ("1.x", "1.0.0 1.9.9", "2.0.0"),
        ("=1.4.2", "1.4.2", "1.4.3 1.4.2-rc"),
        ("1.4.2-rc", "1.4.2-rc", "1.4.2 1.4.2-rc.0"),
        (">1.4", "1.5.0", "1.4.9 1.4.0"),
        (">1.4.2", "1.4.3", "1.4.2 1.4.3-rc"),
        (">1.4.2-rc.1", "1.4.2-rc.2 1.4.2", "1.4.2-rc.1 1.4.3-rc"),
        ("<=1.4", "1.4.9 0.0.0", "1.5.0"),
        ("<1.4", "1.3.9", "1.4.0"),
        ("<=1.4.2", "1.4.2", "1.4.3"),
        ("*", "0.0.0 9.9.9", "1.0.0-rc"),
        (">*", "", "0.0.0 9.9.9"),
        ("<*", "", "0.0.0 9.9.9"),
        ("<1.0 || >=2.0", "0.9.0 2.0.0", "1.5.0"),
        ("^1.4 !", None, None),
    ],
)
def test_ranges_mean_what_package_managers_mean(text: str, inside: str | None, outside: str | None) -> None:
    """Pre-releases are in only where the range names their three numbers."""
    if inside is None or outside is None:
        with pytest.raises(ValueError):
            parse_range(text)
        return
    assert [tag for tag in inside.split() if not holds(text, tag)] == []
    assert [tag for tag in outside.split() if holds(text, tag)] == []


@given(VERSIONS, VERSIONS)
def test_comparisons_are_the_order(one: str, other: str) -> None:
    """Where pre-releases do not step aside: of any two exactly one comparison holds."""
    assume(not version(other).prerelease or version(one).numbers == version(other).numbers)
    found = (holds(f"<{one}", other), holds(f"={one}", other), holds(f">{one}", other))
    a, b = version(one), version(other)
    if b.prerelease and not a.prerelease:
        assert found == (False, False, False)
    else:
        assert found == (b < a, b == a, b > a)
        assert (holds(f"<={one}", other), holds(f">={one}", other)) == (b <= a, b >= a)


@given(NUMBERS, RELEASES)
def test_a_caret_and_a_tilde_are_what_they_stand_for(numbers: tuple[int, int, int], tag: str) -> None:
    """Written out as two comparisons they take the same releases."""
    major, minor, patch = numbers
    written = f"{major}.{minor}.{patch}"
    below = f"{major + 1}.0.0" if major else f"0.{minor + 1}.0" if minor else f"0.0.{patch + 1}"
    assert holds(f"^{written}", tag) is holds(f">={written} <{below}", tag)
    assert holds(f"~{written}", tag) is holds(f">={written} <{major}.{minor + 1}.0", tag)
    assert holds(f"{major}.{minor}.x", tag) is holds(f"~{major}.{minor}", tag)


@given(RELEASES, RELEASES, VERSIONS)
def test_alternatives_and_conjunctions_are_or_and_and(one: str, other: str, tag: str) -> None:
    """For whatever two ranges."""
    low, high = f">={one}", f"<{other}"
    assert holds(f"{low} || {high}", tag) is (holds(low, tag) or holds(high, tag))
    assert holds(f"{low} {high}", tag) is (holds(low, tag) and holds(high, tag))


@pytest.mark.parametrize(
    "text", ["", " ", "||", "^1.4 ||", "latest", ">=", "1.2.3.4", "1.2-rc", "1.x-rc", "=>1", "1.2.3-01", "^" * 300]
)
def test_a_bad_range_says_what_to_write(text: str) -> None:
    """With an example."""
    with pytest.raises(ValueError, match="write"):
        parse_range(text)

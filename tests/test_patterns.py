"""The patterns that people write, in rules and in filters."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registryhub.patterns import MAX_PATTERN_LENGTH, MOST_PATTERNS, compile_choice

TEXTS = st.text("ab/.*?~!-", max_size=8)


@pytest.mark.parametrize(
    ("patterns", "taken", "left"),
    [
        ((), ["", "team/app"], []),
        (("team/*",), ["team/app"], ["team", "team/app/web", "ateam/app"]),
        (("team/**",), ["team/app", "team/app/web"], ["team"]),
        (("v?.0",), ["v1.0"], ["v10.0", "v/.0", "v1x0"]),
        (("~v[0-9]+",), ["v10"], ["v", "xv10", "v10x"]),
        (("a", "~b+"), ["a", "bb"], ["ab"]),
        (("!latest",), ["v1", ""], ["latest"]),
        (("**", "!~.*-dev"), ["v1"], ["v1-dev"]),
        (("~(?i)abc", "d"), ["ABC", "d"], ["D"]),
        (("~a|b", "c"), ["a", "b", "c"], ["ac"]),
    ],
)
def test_a_list_takes_what_one_pattern_means_and_none_refuses(
    patterns: tuple[str, ...], taken: list[str], left: list[str]
) -> None:
    """Globs, expressions behind a tilde, and what is not meant behind an exclamation mark; always the whole text."""
    choice = compile_choice(patterns)
    assert all(map(choice.takes, taken))
    assert not any(map(choice.takes, left))


@given(st.lists(TEXTS, max_size=4))
def test_of_several_texts_one_must_be_meant_and_none_refused(texts: list[str]) -> None:
    """An image runs on several platforms."""
    assert compile_choice(("a", "!b")).takes_any(texts) is ("a" in texts and "b" not in texts)
    assert compile_choice(("!b",)).takes_any(texts) is ("b" not in texts)


@given(TEXTS.filter(lambda text: text and not text.startswith(("~", "!")) and not set(text) & set("*?")), TEXTS)
def test_a_glob_without_wildcards_means_itself(glob: str, text: str) -> None:
    """Whatever an expression would make of its dots."""
    assert compile_choice((glob,)).takes(text) is (glob == text)


@pytest.mark.parametrize(
    ("patterns", "mend"),
    [
        (("~(",), "'~(', which is no regular expression (RE2): missing )"),
        (("!~(?=a)",), "invalid perl operator"),
        (("",), "empty pattern"),
        (("!",), "empty pattern"),
        (("~",), "empty pattern"),
        (("a" * (MAX_PATTERN_LENGTH + 1),), f"more than {MAX_PATTERN_LENGTH} characters"),
        (("a",) * (MOST_PATTERNS + 1), f"more than {MOST_PATTERNS} patterns"),
        (("~((a{30}){30}){30}",), "is no regular expression"),
    ],
)
def test_a_bad_pattern_names_itself_and_the_mend(patterns: tuple[str, ...], mend: str) -> None:
    """When it is read, not when the first event comes."""
    with pytest.raises(ValueError) as error:
        compile_choice(patterns)
    assert mend in str(error.value)


def test_an_expression_that_would_never_end_elsewhere_is_harmless() -> None:
    """RE2 takes time proportional to the text; a backtracking engine would need years for this one."""
    choice = compile_choice(("~(a+)+b", "~(a|aa)*(a|aa)*(a|aa)*c"))
    start = time.monotonic()
    assert not choice.takes("a" * 255)
    assert time.monotonic() - start < 60

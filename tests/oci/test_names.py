"""Tests of the grammar of names (reference B.2)."""

import re
import time

import pytest

from registryhub.oci.errors import NAME_INVALID, TAG_INVALID, OciError
from registryhub.oci.names import NAME_PATTERN, parse_repository, parse_tag


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "library/ubuntu",
        "a.b/c_d/e__f/g---h",
        "0/1/2",
        "Registry.Example.ORG/app",
        "LOCAL/app",
        "a" * 255,
        "/".join(["a"] * 128),
    ],
)
def test_names_of_the_grammar_are_taken_as_they_are(name: str) -> None:
    """Components, their separators, and a host as the first one are valid up to 255 characters."""
    assert parse_repository(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "UPPER",
        "a/B",
        "a___b",
        "a..b",
        "a._b",
        ".a",
        "a.",
        "-a",
        "_uploads",
        "a/_layers",
        "..",
        "a/../b",
        "a/.",
        "a b",
        "a\n",
        "a\x00",
        "ä",
        "٣",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    """Whatever is outside the grammar, and with it everything dangerous in a path, is NAME_INVALID."""
    with pytest.raises(OciError) as caught:
        parse_repository(name)
    assert caught.value.code is NAME_INVALID


@pytest.mark.parametrize("name", ["localhost:5000/app", "[::1]/app", "[fe80::1]:5000/app"])
def test_a_host_with_a_port_is_a_route_but_no_repository(name: str) -> None:
    """The route matches, so that the client is told what is wrong instead of a bare 404."""
    assert re.fullmatch(NAME_PATTERN, name)
    with pytest.raises(OciError, match="port"):
        parse_repository(name)


def test_a_long_name_is_told_its_length() -> None:
    """The error names the limit and what was given."""
    with pytest.raises(OciError, match="256 characters") as caught:
        parse_repository("a" * 256)
    assert caught.value.code.status == 400


@pytest.mark.parametrize("shape", ["a" * 50_000, "a-" * 25_000, "a." * 25_000, "a/" * 25_000, "A." * 25_000])
def test_the_pattern_does_not_backtrack(shape: str) -> None:
    """A long name that fails at its very end is refused in linear time."""
    started_at = time.process_time()
    assert re.fullmatch(NAME_PATTERN, shape + "!") is None
    assert time.process_time() - started_at < 5


@pytest.mark.parametrize("tag", ["latest", "_", "1.0", "V1-rc.1_x", "a" * 128])
def test_tags_of_the_grammar_are_taken(tag: str) -> None:
    """Letters, digits, '_', '.' and '-' up to 128 characters."""
    assert parse_tag(tag) == tag


@pytest.mark.parametrize("tag", ["", ".a", "-a", "a:b", "a/b", "a" * 129, "a\n", "é"])
def test_other_tags_are_refused(tag: str) -> None:
    """Whatever is outside the grammar is TAG_INVALID."""
    with pytest.raises(OciError) as caught:
        parse_tag(tag)
    assert caught.value.code is TAG_INVALID

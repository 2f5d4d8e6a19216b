"""Conditions on an entity tag (RFC 9110 §13)."""

import pytest

from registryhub.http.conditions import is_changed, is_known, wants_part
from registryhub.http.request import Request

TAG = "sha256:abc"


def request(header: str, value: str) -> Request:
    return Request({"REQUEST_METHOD": "GET", "PATH_INFO": "/", f"HTTP_{header}": value})


@pytest.mark.parametrize("value", ['"sha256:abc"', "sha256:abc", '"x", "sha256:abc"', '"x","sha256:abc" ,"y"', "*"])
def test_a_tag_in_the_list_is_known_and_unchanged(value: str) -> None:
    """Quoted or bare, alone or among others."""
    assert is_known(request("IF_NONE_MATCH", value), TAG)
    assert not is_changed(request("IF_MATCH", value), TAG)


@pytest.mark.parametrize("value", ['"x"', '"sha256:ab"', '"x", "y"', ",", '"sha256:abcd"'])
def test_any_other_list_is_not(value: str) -> None:
    """Neither a part of the tag nor more than it."""
    assert not is_known(request("IF_NONE_MATCH", value), TAG)
    assert is_changed(request("IF_MATCH", value), TAG)


def test_a_weak_tag_is_known_but_not_the_same() -> None:
    """If-None-Match compares weakly, If-Match and If-Range strongly."""
    weak = f'W/"{TAG}"'
    assert is_known(request("IF_NONE_MATCH", weak), TAG)
    assert is_changed(request("IF_MATCH", weak), TAG)
    assert not wants_part(request("IF_RANGE", weak), TAG)


def test_who_sets_no_condition_gets_what_is_there() -> None:
    """Neither 304 nor 412, and a range is a range."""
    for value in ("", None):
        plain = Request(
            {"REQUEST_METHOD": "GET", "PATH_INFO": "/"} | ({} if value is None else {"HTTP_IF_MATCH": value})
        )
        assert not is_known(plain, TAG)
        assert not is_changed(plain, TAG)
        assert wants_part(plain, TAG)


@pytest.mark.parametrize("value", ['"x"', "Wed, 21 Oct 2015 07:28:00 GMT", "*", f'"{TAG}", "x"'])
def test_a_range_of_something_else_is_no_range(value: str) -> None:
    """If-Range holds one tag or a date; a blob has no date."""
    assert not wants_part(request("IF_RANGE", value), TAG)

"""The `filter` of an endpoint: which events it gets, said by facts about them."""

import re
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, model_validator

from registryhub.config.section import Section, wrong_at
from registryhub.config.values import CHOICE, EMPTY_IS_NONE, Size, Text
from registryhub.patterns import compile_choice
from registryhub.semver import parse_range

ActionName = Literal["pull", "push", "mount", "delete"]
TagChange = Literal["new", "moved", "same"]
MOST_RANGES = 20
_REPOSITORY_GLOB = re.compile(r"[A-Za-z0-9._/*?-]+")
_TAG_GLOB = re.compile(r"[A-Za-z0-9._*?-]+")
_REGULAR = ("~", "!~")


def _check_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    compile_choice(patterns)
    return patterns


def _check_names(patterns: tuple[str, ...], known: re.Pattern[str], what: str) -> tuple[str, ...]:
    for pattern in _check_patterns(patterns):
        if not pattern.startswith(_REGULAR) and known.fullmatch(pattern.removeprefix("!")) is None:
            raise ValueError(
                f"has {pattern!r}, which no {what} can be; write one with *, ** and ? for what differs, or a regular"
                " expression behind ~"
            )
    return patterns


def _check_repositories(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return _check_names(patterns, _REPOSITORY_GLOB, "repository")


def _check_tags(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return _check_names(patterns, _TAG_GLOB, "tag")


def _check_ranges(ranges: tuple[str, ...]) -> tuple[str, ...]:
    if len(ranges) > MOST_RANGES:
        raise ValueError(f"has more than {MOST_RANGES} ranges; write fewer")
    for each in ranges:
        parse_range(each)
    return ranges


Patterns: TypeAlias = Annotated[tuple[Text, ...], AfterValidator(_check_patterns)]


class Filter(Section):
    """All of what is written must hold of an event; what is not written does not matter.

    Of a list one entry must hold.
    """

    repositories: Annotated[tuple[Text, ...], AfterValidator(_check_repositories)] = ()
    tags: Annotated[tuple[Text, ...], AfterValidator(_check_tags)] = ()
    versions: Annotated[tuple[Text, ...], AfterValidator(_check_ranges)] = ()
    tagged: tuple[Annotated[TagChange, CHOICE], ...] = ()
    actions: tuple[Annotated[ActionName, CHOICE], ...] = ()
    mediatypes: Patterns = ()
    platforms: Patterns = ()
    actors: Patterns = ()
    minsize: Size = 0
    maxsize: Annotated[Size | None, EMPTY_IS_NONE] = None

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        if self.maxsize is not None and self.maxsize < self.minsize:
            raise wrong_at("maxsize", message="is less than minsize, so that nothing is sent; write a larger size")
        return self

    @property
    def is_empty(self) -> bool:
        """Whether it lets everything through."""
        return self == Filter()

"""The two kinds of patterns that people write, said once for rules, pages and the API.

A glob speaks of whole names of repositories: `*` stands for any text without `/`, also none, `**` for any text, `?` for
one character that is no `/`, everything else for itself. So `team/*` is `team/app` but not `team/app/web`, `team/**` is
both, neither is `team`, and `**` is every repository.

Tags are matched by regular expressions in RE2's syntax, which takes time proportional to the text whatever is written.
They must match the whole tag.
"""

import itertools
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

import re2
from django.core.exceptions import ValidationError

from registryhub.oci.errors import OciError
from registryhub.oci.names import parse_repository

_PART = re.compile(r"\*\*|\*|\?|[^*?]+")
_WILDCARDS = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._/*?-]")


class Matcher(Protocol):
    """A compiled pattern."""

    def fullmatch(self, text: str) -> Any: ...


@lru_cache(maxsize=1000)
def compile_glob(glob: str) -> Matcher:
    """What matches the names of repositories that the glob means."""
    parts = (_WILDCARDS.get(part, re2.escape(part)) for part in _PART.findall(glob))
    return _compile("".join(parts))


@lru_cache(maxsize=1000)
def compile_pattern(pattern: str) -> Matcher:
    """What matches tags. Raises ValueError, which says what is wrong."""
    try:
        return _compile(pattern)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"is no regular expression (RE2): {reason}") from None


def literal_prefix(glob: str) -> str:
    """What every name begins with that the glob means."""
    return re.split(r"[*?]", glob, maxsplit=1)[0]


def common_prefix(texts: Sequence[str]) -> str:
    """What all of them begin with, character by character; empty for none."""
    first, last = min(texts, default=""), max(texts, default="")
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(letter for letter, _ in same)


def check_glob(text: str) -> None:
    """Raises ValidationError, which names the mend."""
    if found := _NOT_IN_NAMES.search(text):
        raise ValidationError(
            f"No repository has {found[0]!r} in its name. Write a name with *, ** and ? for what differs: team/**."
        )


def check_pattern(text: str) -> None:
    """Raises ValidationError, which says what RE2 does not take."""
    try:
        compile_pattern(text)
    except ValueError as error:
        raise ValidationError(f"{text!r} {error}.") from None


def check_namespace(text: str) -> None:
    """Raises ValidationError, which names the mend."""
    try:
        parse_repository(text)
    except OciError as error:
        raise ValidationError(f"{text!r} is no namespace: {error.detail}.") from None


def _compile(pattern: str) -> Matcher:
    options = re2.Options()
    options.log_errors = False
    compiled: Matcher = re2.compile(pattern, options)
    return compiled

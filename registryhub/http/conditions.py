"""Conditional requests (RFC 9110 §13) for what has an entity tag and no date: conditions on dates say nothing of it."""

from registryhub.http.request import Request


def is_changed(request: Request, tag: str) -> bool:
    """Whether an `If-Match` stands against the answer: 412. Compared strongly."""
    condition: str = request.environ.get("HTTP_IF_MATCH", "")
    return bool(condition) and not _names(condition, tag, is_weak=False)


def is_known(request: Request, tag: str) -> bool:
    """Whether the client has it already, by its `If-None-Match`: 304. Compared weakly."""
    condition: str = request.environ.get("HTTP_IF_NONE_MATCH", "")
    return bool(condition) and _names(condition, tag, is_weak=True)


def wants_part(request: Request, tag: str) -> bool:
    """Whether an `If-Range` lets a range be served: it names just this tag, or there is none.

    A date never does, since nobody knows when what is asked for was last changed.
    """
    return request.environ.get("HTTP_IF_RANGE") in (None, "", f'"{tag}"')


def _names(condition: str, tag: str, *, is_weak: bool) -> bool:
    """A list of tags, or `*`. A bare tag counts as a quoted one, as clients of the reference send it."""
    for item in condition.split(","):
        found = item.strip()
        if is_weak:
            found = found.removeprefix("W/")
        if found == "*" or found.strip('"') == tag:
            return True
    return False

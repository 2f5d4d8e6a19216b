"""What this hub knows of a manifest's push, pull or check beyond what the wire says. Pure.

Facts stand beside an event in the log and are never sent as a part of it: what receivers get stays as Distribution has
it, byte for byte.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, cast

import orjson

TagChange = Literal["", "new", "moved", "same"]
CHANGES: tuple[TagChange, ...] = ("new", "moved", "same")
MOST_PLATFORMS = 50
MOST_CHILDREN = 32
SHORT_DIGEST = 12
"""So many hex digits of a child's digest are told: enough to tell it from others of the same index."""

_PLATFORM = re.compile(r"[A-Za-z0-9._/-]{1,100}")


@dataclass(frozen=True, slots=True)
class Facts:
    """Empty is what is not known.

    `tagged` is what became of the tag: made, moved from the digest `moved_from`, or set to what it was. `platforms` are
    those of the image or index, as docker writes them. `children` are the beginnings of the digests that an index lists
    (SHORT_DIGEST); an index of more than MOST_CHILDREN tells none. What `is_attached` is said about another manifest,
    such as a signature or an SBOM.
    """

    tagged: TagChange = ""
    moved_from: str = ""
    platforms: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    is_attached: bool = False


NOTHING = Facts()


def encode(facts: Facts) -> bytes:
    """One line of JSON; empty when there is nothing to say."""
    members: dict[str, Any] = {}
    if facts.tagged:
        members["tagged"] = facts.tagged
    if facts.moved_from:
        members["movedFrom"] = facts.moved_from
    if facts.platforms:
        members["platforms"] = facts.platforms
    if facts.children:
        members["children"] = facts.children
    if facts.is_attached:
        members["attached"] = True
    return orjson.dumps(members) if members else b""


@lru_cache(maxsize=1024)
def parse(text: str) -> Facts:
    """What `encode` wrote; nothing for what cannot be read. Remembered: an event is asked by many endpoints."""
    if not text:
        return NOTHING
    try:
        members = orjson.loads(text)
        tagged, moved_from = members.get("tagged", ""), members.get("movedFrom", "")
        platforms, children = (tuple(map(str, members.get(name, ()))) for name in ("platforms", "children"))
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return NOTHING
    return Facts(
        cast(TagChange, tagged if tagged in CHANGES else ""),
        str(moved_from),
        platforms,
        children,
        members.get("attached") is True,
    )


@lru_cache(maxsize=1024)
def is_readable(line: bytes) -> bool:
    """Whether it is a JSON object, which every database keeps as text."""
    try:
        return isinstance(orjson.loads(line), dict)
    except orjson.JSONDecodeError:
        return False


def readable_platforms(platforms: Iterable[str]) -> tuple[str, ...]:
    """Each once, without what no platform is called; so many at most: a manifest says what its author likes."""
    found = dict.fromkeys(platform for platform in platforms if _PLATFORM.fullmatch(platform))
    return tuple(found)[:MOST_PLATFORMS]


def short_children(hex_digests: Iterable[str]) -> tuple[str, ...]:
    """The beginnings of the digests of an index's children, each once; none at all when they are too many."""
    found = tuple(dict.fromkeys(digest[:SHORT_DIGEST] for digest in hex_digests))
    return found if len(found) <= MOST_CHILDREN else ()

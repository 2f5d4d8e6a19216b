"""Manifests made from right ones: fields dropped, replaced, added, doubled; then the bytes themselves damaged."""

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.v2.fuzz.texts import JUNK, edited

Document = dict[str, Any]
Path = tuple[str | int, ...]

_FIELDS = ("schemaVersion", "mediaType", "config", "layers", "manifests", "subject", "artifactType", "annotations")
_MORE_FIELDS = ("digest", "size", "urls", "platform", "os", "architecture", "data", "", "\0", "é")
_NUMBERS = (0, -1, 1, 2.0, 2.5, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**40, True, False)
_WORDS = ("", " ", "\0", "\ud800", "\udfff\ud800", "a" * 256, "a" * 100_000, "http://example.org/#x", "sha256:0", "%")
_NESTED = "nested"
"""Stands for what no JSON library writes: it is replaced by brackets in brackets."""


def values() -> st.SearchStrategy[Any]:
    """Any value of JSON, mostly one that nobody expects."""
    leaves = st.one_of(
        st.none(),
        st.sampled_from(_NUMBERS),
        st.sampled_from((*_WORDS, _NESTED)),
        st.text(st.sampled_from(JUNK), max_size=10),
    )
    return st.one_of(
        leaves, st.lists(leaves, max_size=3), st.dictionaries(st.sampled_from(_FIELDS), leaves, max_size=3)
    )


@st.composite
def documents(draw: st.DrawFn, right: Sequence[Document]) -> tuple[str, bytes]:
    """A right manifest after up to three changes to its fields and up to one to its bytes, and the type it had."""
    chosen = draw(st.sampled_from(right))
    document: Any = copy.deepcopy(chosen)
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 1, 1, 2, 3)))):
        document = draw(changed(document))
    return str(chosen["mediaType"]), draw(damaged(json.dumps(document)))


@st.composite
def changed(draw: st.DrawFn, document: Any) -> Any:
    """One field or item, however deep, is dropped, replaced, edited or joined by another one."""
    places = [place for place in _places(document) if place]
    if not places:
        return draw(values())
    place = draw(st.sampled_from(places))
    holder = _at(document, place[:-1])
    key: Any = place[-1]
    match draw(st.sampled_from(("drop", "replace", "replace", "edit", "add", "repeat"))):
        case "drop":
            del holder[key]
        case "edit" if isinstance(holder[key], str):
            holder[key] = draw(edited([holder[key]]))
        case "repeat" if isinstance(holder[key], list):
            holder[key] = holder[key] * draw(st.sampled_from((2, 50)))
        case "add" if isinstance(holder, dict):
            holder[draw(st.sampled_from((*_FIELDS, *_MORE_FIELDS)))] = draw(values())
        case _:
            holder[key] = draw(values())
    return document


@st.composite
def damaged(draw: st.DrawFn, text: str) -> bytes:
    """The document as bytes, in one case of three not quite."""
    depth = draw(st.sampled_from((10, 1000, 1025, 20_000)))
    content = text.replace(f'"{_NESTED}"', "[" * depth + "]" * depth).encode()
    at = draw(st.integers(0, len(content)))
    match draw(st.integers(0, 20)):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + draw(st.binary(max_size=4)) + content[at:]
        case 2:
            return b'{"schemaVersion":2,"mediaType":"x",' + content[1:]  # keys that come twice
        case 3:
            return b"\xef\xbb\xbf" + content
        case 4:
            return text.encode("utf-16")
        case 5:
            return content.replace(b'"size": ', b'"size": 1e999999, "x": ')
        case 6:
            return content + b" " * draw(st.sampled_from((1, 70_000)))
        case _:
            return content


def _places(value: Any, place: Path = ()) -> Iterator[Path]:
    yield place
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*place, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value[:5]):
            yield from _places(inner, (*place, index))


def _at(value: Any, place: Path) -> Any:
    for key in place:
        value = value[key]
    return value

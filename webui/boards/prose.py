"""Our own pages of docs/ as blocks for a template: headings, paragraphs, lists, tables and code. Pure.

Only what they are written with is understood; all else stays as it is written.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

_INLINE = re.compile(r"`(?P<code>[^`]+)`|\*\*(?P<b>[^*]+)\*\*|\*(?P<i>[^*]+)\*|\[(?P<link>[^\]]+)\]\([^)]+\)")
_FENCE, _ITEM = "```", "- "


@dataclass(frozen=True, slots=True)
class Block:
    """`kind` is title, head, subhead, text, code, list or table; `rows` are of a table, the first one its head."""

    kind: str
    text: SafeString | str = ""
    items: Sequence[SafeString] = ()
    rows: Sequence[Sequence[SafeString]] = ()


def read_prose(text: str) -> list[Block]:
    """The blocks of a page, in order."""
    return [_block(lines) for lines in _parted(text.splitlines())]


def _parted(lines: Sequence[str]) -> Iterator[list[str]]:
    """At empty lines, but not within code."""
    block: list[str] = []
    for line in lines:
        is_code = bool(block) and block[0].startswith(_FENCE)
        if line.strip() or is_code:
            block.append(line)
        if block and ((is_code and line == _FENCE) or (not line.strip() and not is_code)):
            yield block
            block = []
    if block:
        yield block


def _block(lines: list[str]) -> Block:
    first = lines[0]
    if first.startswith(_FENCE):
        return Block("code", "\n".join(lines[1:-1]))
    for mark, kind in (("# ", "title"), ("## ", "head"), ("### ", "subhead")):
        if first.startswith(mark):
            return Block(kind, inline(first.removeprefix(mark)))
    if first.startswith("|"):
        return Block("table", rows=[_cells(line) for number, line in enumerate(lines) if number != 1])
    if first.startswith(_ITEM):
        return Block("list", items=[inline(item) for item in _items(lines)])
    return Block("text", inline(" ".join(lines)))


def _items(lines: Sequence[str]) -> Iterator[str]:
    count = 0
    numbered = []
    for line in lines:
        count += line.startswith(_ITEM)
        numbered.append((count, line.removeprefix(_ITEM).strip()))
    for _, item in groupby(numbered, key=lambda each: each[0]):
        yield " ".join(text for _, text in item)


def _cells(line: str) -> list[SafeString]:
    bare = line.strip().removeprefix("|").removesuffix("|")
    return [inline(cell.replace(r"\|", "|").strip()) for cell in re.split(r"(?<!\\)\|", bare)]


def inline(text: str) -> SafeString:
    """Code, bold and italic; of links the words."""
    parts = []
    end = 0
    for found in _INLINE.finditer(text):
        parts += [text[end : found.start()], _styled(found)]
        end = found.end()
    return format_html_join("", "{}", ((part,) for part in (*parts, text[end:])))


def _styled(found: re.Match[str]) -> SafeString:
    if found["link"]:
        return inline(found["link"])
    tag = next(tag for tag in ("code", "b", "i") if found[tag])
    return format_html("<{0}>{1}</{0}>", tag, found[tag])

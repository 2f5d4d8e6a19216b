"""Texts that are nearly right: names, references, digests and header values, made from right ones by a few edits.

Strategies are kept: to make one anew for each example costs more than the example.
"""

from collections.abc import Sequence
from functools import cache
from string import ascii_lowercase, ascii_uppercase, digits
from typing import TypeVar

from hypothesis import strategies as st

from registryhub.oci.digests import HEX_LENGTHS, digest_of

JUNK = "/.:_-@%?#&=+,;~*()[]{}<>|\\\"'`^$! \t\x00\x01\x1f\x7f\x80\xa0\xe9\xff\u0130\u2028\U0001f433"
"""What grammars, databases, file systems and encodings trip over."""

LETTERS = ascii_lowercase + ascii_uppercase + digits

Value = TypeVar("Value")


def mostly(
    right: st.SearchStrategy[Value], wrong: st.SearchStrategy[Value], *, of_ten: int
) -> st.SearchStrategy[Value]:
    """What is right so many times of ten: a request that is wrong everywhere is refused at the first door."""
    return st.sampled_from(range(10)).flatmap(lambda number: right if number < of_ten else wrong)


@st.composite
def edited(draw: st.DrawFn, texts: Sequence[str]) -> str:
    """One of the texts, mostly with one to three characters taken out, put in, exchanged or doubled."""
    text: str = draw(st.sampled_from(texts))
    for _ in range(draw(st.sampled_from((0, 1, 1, 2, 3)))):
        text = draw(_edits(text))
    return text


@st.composite
def _edits(draw: st.DrawFn, text: str) -> str:
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 8)))
    new: str = draw(st.sampled_from((*_NEW, text)))
    return text[:start] + new + text[end:]


_NEW = ("", *JUNK, *LETTERS, "..", "%00", "%2e", "\U0001f433" * 40, "a" * 300)


@cache
def texts(known: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Edited ones, and anything."""
    return st.one_of(edited(known), st.text(st.sampled_from(JUNK + LETTERS), max_size=40))


@cache
def digests(known: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Mostly known ones; right ones of nothing that is there, of every algorithm, and nearly right ones."""
    others = [str(digest_of(b"nobody has it", algorithm)) for algorithm in HEX_LENGTHS]
    wrong = [f"md5:{'0' * 32}", f"sha256:{'0' * 63}", f"sha256:{'A' * 64}", "sha256:", ":", "sha512:" + "z" * 128]
    near = st.one_of(st.sampled_from(others), st.sampled_from(wrong), edited([*known, *others]))
    return mostly(st.sampled_from(known), near, of_ten=6)


@cache
def headers(*values: str) -> st.SearchStrategy[str | None]:
    """The value of a header, or none of it: bytes as servers let them through, which is all but line ends and NUL."""
    return st.one_of(st.none(), st.sampled_from(values), edited(values).map(_as_header), _ANY.map(_as_header))


_ANY = st.text(max_size=30)


def _as_header(text: str) -> str:
    kept = "".join(character for character in text if character not in "\r\n\0")
    return kept.encode("utf-8", "surrogatepass").decode("latin-1").strip(" \t")


NUMBERS = st.one_of(
    st.integers(-3, 5).map(str),
    st.sampled_from(("", "1000", "1001", "9" * 18, "9" * 19, "9" * 5000, "-" + "9" * 30, "1e3", "0x10", "１")),
    edited(["10", "+5"]),
)
"""What comes as `n` of a page."""

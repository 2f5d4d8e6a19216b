"""Digests: what content is called (reference B.2, OCI image-spec "Digests")."""

import hashlib
import re
from dataclasses import dataclass

from registryhub.oci.errors import DIGEST_INVALID, OciError

CANONICAL = "sha256"
HEX_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}

DIGEST_PATTERN = r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[A-Za-z0-9=_-]+"
"""Source of a regular expression for routes: what looks like a digest; `parse_digest` says whether it is one."""

_HEX = re.compile(r"[0-9a-f]+")


@dataclass(frozen=True, slots=True)
class Digest:
    """`str()` gives `<algorithm>:<hex>`. Made by `parse_digest`, `digest_of` or a `Hasher`, never from raw input."""

    algorithm: str
    hex: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


class Hasher:
    """A running digest of one algorithm of HEX_LENGTHS. `size` is the number of bytes it has seen."""

    def __init__(self, algorithm: str = CANONICAL) -> None:
        self.algorithm = algorithm
        self.size = 0
        self._hash = hashlib.new(algorithm, usedforsecurity=False)

    def update(self, chunk: bytes | memoryview) -> None:
        """Large chunks are hashed without Python's lock."""
        self._hash.update(chunk)
        self.size += len(chunk)

    def digest(self) -> Digest:
        """The digest of what was seen so far; more may follow."""
        return Digest(self.algorithm, self._hash.hexdigest())


def parse_digest(text: str) -> Digest:
    """Raises OciError(DIGEST_INVALID)."""
    algorithm, colon, hex_ = text.partition(":")
    if not colon:
        raise OciError(DIGEST_INVALID, "a digest is <algorithm>:<hex>, such as sha256: and 64 hex digits")
    length = HEX_LENGTHS[parse_algorithm(algorithm)]
    if len(hex_) != length or _HEX.fullmatch(hex_) is None:
        raise OciError(DIGEST_INVALID, f"invalid checksum digest: {algorithm} has {length} lower-case hex digits")
    return Digest(algorithm, hex_)


def parse_algorithm(text: str) -> str:
    """The name of an algorithm that digests may have. Raises OciError(DIGEST_INVALID)."""
    if text not in HEX_LENGTHS:
        raise OciError(DIGEST_INVALID, f"unsupported digest algorithm; supported are {', '.join(HEX_LENGTHS)}")
    return text


def digest_of(content: bytes, algorithm: str = CANONICAL) -> Digest:
    """The digest of content that is in memory already."""
    return Digest(algorithm, hashlib.new(algorithm, content, usedforsecurity=False).hexdigest())

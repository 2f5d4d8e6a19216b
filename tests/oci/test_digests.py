"""Tests of digests (reference B.2)."""

import hashlib

import pytest

from registryhub.oci.digests import HEX_LENGTHS, Digest, Hasher, digest_of, parse_digest
from registryhub.oci.errors import DIGEST_INVALID, OciError


@pytest.mark.parametrize("algorithm", HEX_LENGTHS)
def test_a_digest_reads_back_as_it_was_written(algorithm: str) -> None:
    """Each supported algorithm goes through text and back."""
    digest = digest_of(b"hello", algorithm)
    assert digest.hex == hashlib.new(algorithm, b"hello").hexdigest()
    assert parse_digest(str(digest)) == digest == Digest(algorithm, digest.hex)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("", "<algorithm>:<hex>"),
        ("sha256", "<algorithm>:<hex>"),
        ("sha256:", "64"),
        ("sha256:" + "a" * 63, "64"),
        ("sha256:" + "a" * 65, "64"),
        ("sha256:" + "A" * 64, "lower-case"),
        ("sha256:" + "g" * 64, "hex"),
        ("sha256:" + "a" * 63 + "\n", "hex"),
        ("sha512:" + "a" * 64, "128"),
        ("SHA256:" + "a" * 64, "unsupported digest algorithm"),
        ("md5:" + "a" * 32, "unsupported digest algorithm"),
        ("../../etc:" + "a" * 64, "unsupported digest algorithm"),
        ("sha256:" + "../" * 21 + "a", "hex"),
    ],
)
def test_what_is_no_digest_is_refused_with_the_mend(text: str, hint: str) -> None:
    """The detail says what is expected."""
    with pytest.raises(OciError) as caught:
        parse_digest(text)
    assert caught.value.code is DIGEST_INVALID
    assert hint in caught.value.detail


@pytest.mark.parametrize("algorithm", HEX_LENGTHS)
def test_a_hasher_knows_the_digest_at_every_moment(algorithm: str) -> None:
    """Asking for the digest in between does not disturb what follows."""
    hasher = Hasher(algorithm)
    assert hasher.digest() == digest_of(b"", algorithm)
    hasher.update(b"hel")
    assert hasher.digest() == digest_of(b"hel", algorithm)
    hasher.update(memoryview(b"lo"))
    assert (hasher.digest(), hasher.size) == (digest_of(b"hello", algorithm), 5)

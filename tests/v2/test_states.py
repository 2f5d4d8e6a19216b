"""The signed state of uploads (reference B.9)."""

import base64
from dataclasses import replace

import orjson
import pytest

from registryhub.oci.errors import BLOB_UPLOAD_INVALID, OciError
from registryhub.registry.progress import Progress, new_progress
from registryhub.v2.states import decode_state, encode_state

SECRET = b"secret"


def read(text: str | None, at: Progress, secret: bytes = SECRET) -> Progress:
    return decode_state(secret, text, repository=at.repository, upload_id=str(at.id))


def test_a_state_reads_back_as_it_was_written() -> None:
    """base64url with padding of a signature and the reference's JSON object."""
    at = replace(new_progress("library/app"), offset=12345)
    text = encode_state(SECRET, at)
    assert read(text, at) == at
    document = orjson.loads(base64.urlsafe_b64decode(text)[32:])
    assert list(document) == ["Name", "UUID", "Offset", "StartedAt"]
    assert (document["Name"], document["UUID"], document["Offset"]) == ("library/app", str(at.id), 12345)


def test_a_state_of_another_hub_upload_or_repository_is_invalid() -> None:
    """Only what this hub signed for this upload counts."""
    at = new_progress("library/app")
    text = encode_state(SECRET, at)
    for other, secret in (
        (at, b"other"),
        (replace(at, repository="other/app"), SECRET),
        (new_progress("library/app"), SECRET),
    ):
        with pytest.raises(OciError) as caught:
            read(text, other, secret)
        assert caught.value.code is BLOB_UPLOAD_INVALID


@pytest.mark.parametrize("text", [None, "", "?", "AAAA", "é", "A" * 100, "=" * 44])
def test_a_damaged_state_is_invalid(text: str | None) -> None:
    """Whatever it is, it is 404 BLOB_UPLOAD_INVALID and nothing worse."""
    with pytest.raises(OciError) as caught:
        read(text, new_progress("app"))
    assert caught.value.code is BLOB_UPLOAD_INVALID


def test_every_bit_of_a_state_counts() -> None:
    """Neither the offset nor anything else can be changed."""
    at = new_progress("app")
    token = bytearray(base64.urlsafe_b64decode(encode_state(SECRET, at)))
    for position in range(len(token)):
        changed = bytes(token[:position]) + bytes([token[position] ^ 1]) + bytes(token[position + 1 :])
        with pytest.raises(OciError):
            read(base64.urlsafe_b64encode(changed).decode(), at)

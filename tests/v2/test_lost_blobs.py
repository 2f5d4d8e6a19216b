"""A blob whose bytes are lost or cut off is served to nobody, and clients are told to push it again."""

from pathlib import Path

import pytest

from registryhub.oci.digests import digest_of
from registryhub.storage import paths
from tests.v2.plane import Plane, make_plane

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("journal")]

CONTENT = bytes(range(256)) * 2000
DIGEST = digest_of(CONTENT)
TARGET = f"/v2/app/blobs/{DIGEST}"


def push(plane: Plane) -> None:
    target = f"/v2/app/blobs/uploads/?digest={DIGEST}"
    assert plane.request("POST", target, body=CONTENT).status == 201


@pytest.mark.parametrize("left", [None, 0, 1000, len(CONTENT) - 1])
def test_what_is_left_of_a_blob_is_not_served(tmp_path: Path, left: int | None) -> None:
    """404 before any byte, for the whole, for a part that is still there, and for HEAD; a push mends it."""
    plane = make_plane(tmp_path)
    push(plane)
    file = tmp_path / "blobs" / paths.blob_data(DIGEST.algorithm, DIGEST.hex)
    if left is None:
        file.unlink()
    else:
        file.write_bytes(CONTENT[:left])
    answers = [
        plane.get(TARGET),
        plane.get(TARGET, range="bytes=0-9"),
        plane.get(TARGET, range="bytes=0-9,20-29"),
        plane.request("HEAD", TARGET),
    ]
    assert [answer.status for answer in answers] == [404] * 4
    assert {answer.code for answer in answers[:3]} == {"BLOB_UNKNOWN"}
    push(plane)
    assert plane.get(TARGET).body == CONTENT
    assert plane.request("HEAD", TARGET).status == 200

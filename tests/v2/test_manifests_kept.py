"""Whoever asks for a manifest by HEAD before pushing an index of it finds it still there when the index comes."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from registryhub.registry.models import Manifest
from tests.registry.journals import JournalReader
from tests.registry.stage import image_bytes, index_bytes, put
from tests.v2.plane import Plane, make_plane

pytestmark = pytest.mark.django_db(transaction=True)

_LONG_AGO = timedelta(days=2)


@pytest.fixture
def plane(tmp_path: Path, journal: JournalReader) -> Plane:
    return make_plane(tmp_path)


def aged(content: bytes, *, tag: str = "") -> str:
    """The digest of a manifest that was last pushed, or lost its tag, long ago."""
    digest = put("app", content, tag=tag)
    Manifest.objects.filter(digest=digest).update(touched_at=timezone.now() - _LONG_AGO)
    return digest


def touched(digest: str) -> datetime:
    return Manifest.objects.get(digest=digest).touched_at


def test_a_head_by_digest_gives_an_unused_manifest_its_grace_period_anew(plane: Plane) -> None:
    """A GET writes nothing, and neither does a second HEAD right after the first."""
    digest = aged(image_bytes("app", "one"))
    before = touched(digest)
    assert plane.request("GET", f"/v2/app/manifests/{digest}").status == 200
    assert touched(digest) == before
    assert plane.request("HEAD", f"/v2/app/manifests/{digest}").status == 200
    renewed = touched(digest)
    assert renewed > before
    assert plane.request("HEAD", f"/v2/app/manifests/{digest}").status == 200
    assert touched(digest) == renewed


def test_a_head_of_what_is_tagged_or_in_an_index_writes_nothing(plane: Plane) -> None:
    """It is not collected anyway."""
    tagged, child = image_bytes("app", "tagged"), image_bytes("app", "child")
    digests = [aged(tagged, tag="1"), aged(child)]
    put("app", index_bytes([child]), tag="all", media_type="application/vnd.oci.image.index.v1+json")
    before = [touched(digest) for digest in digests]
    for digest in digests:
        assert plane.request("HEAD", f"/v2/app/manifests/{digest}").status == 200
    assert [touched(digest) for digest in digests] == before

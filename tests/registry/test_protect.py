"""`hub.delete.protect`: what is still needed is not deleted, and whoever tries is told who needs it."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection

from registryhub.oci.digests import digest_of, parse_digest
from registryhub.oci.errors import OciError
from registryhub.oci.manifests import parse_manifest
from registryhub.oci.media_types import OCI_INDEX, OCI_MANIFEST
from registryhub.registry import blobs, manifests, tags
from registryhub.registry.models import BlobLink, Manifest, ManifestReference, Tag
from tests.registry.stage import CONTEXT, changed_document, image_bytes, index_bytes, link_blob, put, stored_events

pytestmark = pytest.mark.django_db(transaction=True)

REPOSITORY = "team/app"


def delete(digest: str, repository: str = REPOSITORY) -> None:
    manifests.delete(CONTEXT, repository, digest, is_protected=True)


def unlink(digest: str) -> None:
    blobs.unlink_blob(CONTEXT, REPOSITORY, parse_digest(digest), is_protected=True)


def reason(call: Callable[[], Any]) -> str:
    """Why it was refused; nothing was removed and nothing told."""
    before = [model.objects.count() for model in (Tag, Manifest, BlobLink)], len(stored_events())
    with pytest.raises(OciError) as caught:
        call()
    assert (caught.value.code.code, caught.value.code.status) == ("DENIED", 403)
    assert before == ([model.objects.count() for model in (Tag, Manifest, BlobLink)], len(stored_events()))
    return str(caught.value.detail)


def test_an_image_of_an_index_stays_as_long_as_that() -> None:
    """Then it goes; the index itself can always go."""
    content = image_bytes(REPOSITORY, "one")
    image = put(REPOSITORY, content, tag="v1")
    index = put(REPOSITORY, index_bytes([content]), media_type=OCI_INDEX)
    said = reason(lambda: delete(image))
    assert image in said
    assert f"the manifest {index} refers to it" in said
    delete(index)
    delete(image)
    assert not Tag.objects.exists()


def test_what_something_is_attached_to_stays_as_long_as_that() -> None:
    """What is attached can always go."""
    content = image_bytes(REPOSITORY, "one")
    image = put(REPOSITORY, content)
    subject = {"mediaType": OCI_MANIFEST, "digest": image, "size": len(content)}
    signature = put(REPOSITORY, changed_document(image_bytes(REPOSITORY, "signature"), subject=subject))
    assert f"{signature} is attached to it" in reason(lambda: delete(image))
    delete(signature)
    delete(image)
    assert not Manifest.objects.exists()


def test_what_runs_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason that whoever needs it gives; its tags may go, the last one too."""
    image = put(REPOSITORY, image_bytes(REPOSITORY, "one"), tag="v1")
    monkeypatch.setattr("deployer.guards.running", lambda _, asked: dict.fromkeys(asked, "service web runs it"))
    assert "service web runs it (hub.delete.protect)" in reason(lambda: delete(image))
    tags.delete(CONTEXT, REPOSITORY, "v1")
    assert manifests.find(REPOSITORY, digest=image).digest == image


def test_a_blob_stays_as_long_as_an_image_needs_it() -> None:
    """In its own repository; what nothing refers to goes."""
    content = image_bytes(REPOSITORY, "one")
    image = put(REPOSITORY, content)
    layer = str(parse_manifest(content, OCI_MANIFEST).layers[0].digest)
    put("team/other", image_bytes("team/other", "two"))
    free = link_blob(REPOSITORY, b"config two")["digest"]
    assert f"the manifest {image} refers to it" in reason(lambda: unlink(layer))
    unlink(free)
    delete(image)
    unlink(layer)


def test_what_others_need_in_their_own_repository_is_theirs() -> None:
    """The same digest elsewhere protects nothing here."""
    content = image_bytes(REPOSITORY, "one")
    image_bytes("team/other", "one")
    put("team/other", content)
    put("team/other", index_bytes([content]), media_type=OCI_INDEX)
    delete(put(REPOSITORY, content))
    assert Manifest.objects.count() == 2


def test_without_protection_a_delete_succeeds() -> None:
    """As clients expect; what needed it is left dangling."""
    content = image_bytes(REPOSITORY, "one")
    put(REPOSITORY, content)
    put(REPOSITORY, index_bytes([content]), media_type=OCI_INDEX, tag="all")
    manifests.delete(CONTEXT, REPOSITORY, str(digest_of(content)))
    assert [manifest.media_type for manifest in Manifest.objects.all()] == [OCI_INDEX]


def test_a_push_and_a_delete_at_once_agree() -> None:
    """Whoever is first: either the index is there with its image, or neither the image nor the index came."""
    for number in range(15):
        content = image_bytes(REPOSITORY, f"image {number}")
        image, index = put(REPOSITORY, content), index_bytes([content])
        together(partial(delete, image), partial(put, REPOSITORY, index, media_type=OCI_INDEX))
    held = set(Manifest.objects.values_list("digest", flat=True))
    for reference in ManifestReference.objects.filter(manifest__media_type=OCI_INDEX):
        assert reference.digest in held


def together(*calls: Callable[[], Any]) -> None:
    """All at the same moment; refusals are fine."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> None:
        try:
            barrier.wait()
            call()
        except OciError:
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

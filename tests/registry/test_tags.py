"""Tags that move and go."""

import pytest

from registryhub.oci.errors import OciError
from registryhub.registry import manifests, tags
from registryhub.registry.models import Manifest, Tag
from tests.registry.stage import CONTEXT, image_bytes, put, stored_events

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_deleted_tag_leaves_its_manifest() -> None:
    """One event, with the tag and without a digest (reference C.3)."""
    digest = put("team/app", image_bytes("team/app", "one"), tag="v1")
    tags.delete(CONTEXT, "team/app", "v1")
    assert tags.find_digest("team/app", "v1") is None
    assert manifests.find("team/app", digest=digest).digest == digest
    event = stored_events()[-1]
    assert (event.action, event.repository, event.tag, event.digest) == ("delete", "team/app", "v1", "")


@pytest.mark.parametrize(("repository", "tag"), [("team/app", "v2"), ("team/other", "v1")])
def test_a_tag_that_is_not_there_cannot_be_deleted(repository: str, tag: str) -> None:
    """404, and nothing is told."""
    put("team/app", image_bytes("team/app", "one"), tag="v1")
    before = len(stored_events())
    with pytest.raises(OciError) as caught:
        tags.delete(CONTEXT, repository, tag)
    assert (caught.value.code.code, caught.value.code.status) == ("MANIFEST_UNKNOWN", 404)
    assert len(stored_events()) == before
    assert Tag.objects.count() == Manifest.objects.count() == 1


def test_tags_differ_by_case() -> None:
    """They are compared bytewise."""
    upper = put("team/app", image_bytes("team/app", "one"), tag="V1")
    lower = put("team/app", image_bytes("team/app", "two"), tag="v1")
    assert (tags.find_digest("team/app", "V1"), tags.find_digest("team/app", "v1")) == (upper, lower)

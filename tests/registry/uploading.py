"""What the tests of uploads share: a blob, pushing it, and looking whether all or nothing of it is there."""

from collections.abc import Callable

import pytest

from registryhub.oci.digests import Digest, digest_of
from registryhub.oci.errors import ErrorCode, OciError
from registryhub.registry import blobs, uploads
from registryhub.registry.models import Blob, BlobLink, Upload
from registryhub.registry.room import Store
from tests.registry.stage import CONTEXT, stored_events
from tests.registry.stores import body, leftovers, stored

REPOSITORY = "library/app"
CONTENT = bytes(range(256)) * 20
DIGEST = digest_of(CONTENT)


def change_process() -> None:
    """Forget what this process knows besides the rows and the files, as if the next request came to another one."""
    uploads._running = type(uploads._running)(1000)


def push(store: Store, content: bytes = CONTENT, *, repository: str = REPOSITORY) -> None:
    """A blob as docker sends it: POST, PATCH, an empty PUT."""
    at = uploads.append(store, uploads.start(store, repository), body(content))
    uploads.finish(store, CONTEXT, at, body(b""), digest_of(content))


def refusal(act: Callable[..., object], *arguments: object) -> ErrorCode:
    with pytest.raises(OciError) as caught:
        act(*arguments)
    return caught.value.code


def assert_pushed(store: Store, content: bytes = CONTENT, digest: Digest | None = None) -> None:
    """The blob is in its place, linked, announced once, and nothing is left of the upload."""
    digest = digest or digest_of(content)
    assert stored(store, digest) == content
    assert blobs.find_blob(REPOSITORY, digest) == len(content)
    (event,) = stored_events()
    assert (event.action, event.repository, event.digest, event.size) == ("push", REPOSITORY, str(digest), len(content))
    assert_nothing_left(store)


def assert_nothing_left(store: Store) -> None:
    assert not Upload.objects.exists()
    assert leftovers(store, REPOSITORY) == []


def assert_nothing_pushed(store: Store) -> None:
    """No half-written blob, row or event."""
    assert not Blob.objects.exists()
    assert not BlobLink.objects.exists()
    assert stored_events() == []
    assert stored(store, DIGEST) is None

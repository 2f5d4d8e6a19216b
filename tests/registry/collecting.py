"""What the tests of the collection share: old things, a collection in this process, and what is left afterwards."""

from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone

from registryhub.oci.digests import Digest, digest_of, parse_digest
from registryhub.oci.media_types import OCI_INDEX, OCI_MANIFEST
from registryhub.registry import uploads
from registryhub.registry.collect.claims import begin
from registryhub.registry.collect.files import unknown_files
from registryhub.registry.collect.listen import Listener
from registryhub.registry.collect.plan import new_collection
from registryhub.registry.collect.runs import Run
from registryhub.registry.collect.work import carry_out
from registryhub.registry.models import Blob, BlobLink, Collection, Manifest, ManifestReference, Tag
from registryhub.registry.room import Store
from registryhub.storage import paths
from tests.registry.stage import CONFIG_TYPE, CONTEXT, LAYER_TYPE, dump, index_bytes, put
from tests.registry.stores import body, stored

DAY = 86_400.0


def push_blob(store: Store, repository: str, content: bytes) -> Digest:
    digest = digest_of(content)
    uploads.store_blob(store, CONTEXT, repository, body(content), digest)
    return digest


def parts_of(text: str) -> list[bytes]:
    """Configuration and layer of an image."""
    return [f"{part} {text}".encode() for part in ("config", "layer")]


def image_of(text: str, *, subject: str = "") -> bytes:
    """A manifest whose blobs nobody has pushed."""
    config, layer = ({"digest": str(digest_of(content)), "size": len(content)} for content in parts_of(text))
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": CONFIG_TYPE, **config},
        "layers": [{"mediaType": LAYER_TYPE, **layer}],
    }
    if subject:
        document["subject"] = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 1}
    return dump(document)


def push_image(store: Store, repository: str, text: str, tag: str = "", *, subject: str = "") -> str:
    """An image of one layer with its bytes; the digest of its manifest."""
    for content in parts_of(text):
        push_blob(store, repository, content)
    return put(repository, image_of(text, subject=subject), tag=tag)


def push_index(repository: str, children: list[str], tag: str = "") -> str:
    contents = [bytes(Manifest.objects.get(digest=child).payload) for child in children]
    return put(repository, index_bytes(contents), tag=tag, media_type=OCI_INDEX)


def blobs_of(text: str) -> list[Digest]:
    return [digest_of(content) for content in parts_of(text)]


def grow_old(seconds: float = 2 * DAY) -> None:
    """Let everything have been used last so long ago."""
    before = timezone.now() - timedelta(seconds=seconds)
    BlobLink.objects.update(touched_at=before)
    Manifest.objects.update(touched_at=before)


def collect(
    store: Store,
    *,
    grace: float = DAY,
    untagged: bool = False,
    is_dry_run: bool = False,
    listener: Listener | None = None,
    is_stopping: Callable[[], bool] = lambda: False,
) -> Collection:
    """One collection, from its beginning to its end."""
    collection = new_collection(is_dry_run=is_dry_run, deletes_untagged=untagged, grace_seconds=grace)
    assert begin(collection)
    carry_out(Run(collection, store.driver, listener or Listener(), is_stopping))
    collection.refresh_from_db()
    return collection


def counts(collection: Collection) -> tuple[int, int, int]:
    return collection.manifests, collection.links, collection.blobs


def is_whole(store: Store, text: str, repository: str) -> bool:
    """Whether the image can be pulled."""
    linked = set(BlobLink.objects.filter(repository__name=repository).values_list("blob__digest", flat=True))
    return all(str(digest) in linked and stored(store, digest) is not None for digest in blobs_of(text))


def assert_consistent(store: Store) -> None:
    """Every reference of a manifest is linked, every linked blob has its bytes, every tag its manifest."""
    for reference in ManifestReference.objects.select_related("manifest"):
        of_repository = {"repository_id": reference.repository_id}
        if Manifest.objects.filter(**of_repository, digest=reference.digest).exists():
            continue
        assert BlobLink.objects.filter(**of_repository, blob__digest=reference.digest).exists(), str(reference)
    for digest, size in BlobLink.objects.values_list("blob__digest", "blob__size"):
        algorithm, _, hex_ = digest.partition(":")
        assert store.driver.size(paths.blob_data(algorithm, hex_)) == size
    assert not Tag.objects.filter(manifest=None).exists()


def assert_nothing_unreferenced(store: Store) -> None:
    """No byte in the blob tree that no manifest needs, and no row."""
    needed = set(ManifestReference.objects.values_list("digest", flat=True))
    needed |= set(Manifest.objects.values_list("digest", flat=True))
    assert set(Blob.objects.values_list("digest", flat=True)) <= needed
    assert on_disk(store) <= needed


def on_disk(store: Store) -> set[str]:
    """The digests of the blob tree."""
    return {str(digest) for _, digests in unknown_files(store.driver) for digest in digests} | {
        digest for digest in Blob.objects.values_list("digest", flat=True) if stored(store, parse_digest(digest))
    }

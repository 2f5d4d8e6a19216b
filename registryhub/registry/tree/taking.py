"""Takes over one repository of a disk tree: afterwards its rows say what the tree says.

It goes in short transactions, and in an order in which a run that is killed leaves nothing that a garbage collection
would take for refuse: what a manifest refers to is written down before the blobs are linked.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import TypeVar

from notifications.events import Reference
from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.access.repositories import ensure_repository
from registryhub.database.transactions import relaxed_transaction
from registryhub.oci.digests import Digest, parse_digest
from registryhub.oci.media_types import FOREIGN_LAYERS
from registryhub.registry import rows
from registryhub.registry.images import find_platforms
from registryhub.registry.models import Blob, BlobLink, Manifest, ManifestReference
from registryhub.registry.tree.disk import Tree
from registryhub.registry.tree.documents import Document, Unusable, read_document
from registryhub.registry.tree.report import Report
from registryhub.registry.tree.tagging import take_tags
from registryhub.storage import paths

Item = TypeVar("Item")

_LINKS_TOGETHER = 500
_MANIFESTS_TOGETHER = 50


class Taking:
    """What is done with every repository; dry, it only looks and tells."""

    def __init__(self, tree: Tree, report: Report, *, most_manifest_bytes: int, is_dry: bool) -> None:
        self._tree = tree
        self._report = report
        self._most_manifest_bytes = most_manifest_bytes
        self._is_dry = is_dry

    def take(self, repository: str) -> None:
        """Raises what the driver and the database raise; doing it again goes on where it was."""
        repository_id = self._repository_id(repository)
        layers, revisions = self._layers(repository), self._revisions(repository)
        known, linked = _manifests(repository_id), _links(repository_id)
        referred: set[Digest] = set()
        unusable = self._take_manifests(
            repository, repository_id, revisions - known, referred=referred, present=layers.keys() | revisions
        )
        # Where a manifest cannot be read nobody knows what it refers to: nothing of it may become refuse.
        clear = referred | _references(repository_id) if unusable else layers.keys()
        wanted = {digest: size for digest, size in layers.items() if digest in clear}
        self._take_layers(repository_id, {digest: wanted[digest] for digest in wanted.keys() - linked})
        take_tags(self._tree, self._report, repository, repository_id, revisions - unusable, is_dry=self._is_dry)
        self._remove_manifests(repository, known - revisions)
        self._remove_layers(repository_id, linked - wanted.keys())

    def _repository_id(self, repository: str) -> int:
        """Dry, 0 stands for a repository that has no row."""
        if not self._is_dry:
            return ensure_repository(HUB_SOURCE_ID, repository)
        found = Repository.objects.filter(source_id=HUB_SOURCE_ID, name=repository).values_list("id", flat=True)
        return found.first() or 0

    def _layers(self, repository: str) -> dict[Digest, int]:
        """The blobs that the reference serves from here, with their sizes."""
        found: dict[Digest, int] = {}
        for digest in self._tree.layers(repository):
            folder = paths.layer_folder(repository, digest.algorithm, digest.hex)
            if not self._is_link(folder, digest, f"layer {repository}@{digest}"):
                continue
            size = self._tree.size(paths.blob_data(digest.algorithm, digest.hex))
            if size >= 0:
                found[digest] = size
            else:
                self._report.skip(f"layer {repository}@{digest}", "its bytes are not there")
        return found

    def _revisions(self, repository: str) -> set[Digest]:
        return {
            digest
            for digest in self._tree.revisions(repository)
            if self._is_link(
                paths.revision_folder(repository, digest.algorithm, digest.hex),
                digest,
                f"manifest {repository}@{digest}",
            )
        }

    def _is_link(self, folder: str, digest: Digest, what: str) -> bool:
        """A folder without a link is what a deletion leaves."""
        text = self._tree.read_link(folder)
        if text is not None and text != str(digest):
            self._report.skip(what, f"its link says {text[:200]!r}")
        return text == str(digest)

    def _take_manifests(
        self, repository: str, repository_id: int, new: Set[Digest], *, referred: set[Digest], present: Set[Digest]
    ) -> set[Digest]:
        """Those that cannot be used. What the others refer to is added to `referred`."""
        unusable: set[Digest] = set()
        for digests in _batches(sorted(new, key=str), _MANIFESTS_TOGETHER):
            documents: list[Document] = []
            for digest in digests:
                try:
                    documents.append(read_document(self._tree.driver, digest, self._most_manifest_bytes))
                except Unusable as reason:
                    unusable.add(digest)
                    self._report.skip(f"manifest {repository}@{digest}", str(reason))
            for document in documents:
                self._look_at_parts(repository, document, present)
                referred.update(item.digest for item in document.manifest.references)
            if not self._is_dry:
                _store(repository_id, [(document, self._platforms(document, present)) for document in documents])
            self._report.add("manifests", len(documents))
        return unusable

    def _platforms(self, document: Document, present: Set[Digest]) -> tuple[str, ...]:
        among = {str(item.digest) for item in document.manifest.references if item.digest in present}
        return find_platforms(document.manifest, self._tree.driver, among=among)

    def _look_at_parts(self, repository: str, document: Document, present: Set[Digest]) -> None:
        """The reference serves such a manifest, and not its parts. So does the hub."""
        parts = {item.digest for item in document.manifest.references if item.media_type not in FOREIGN_LAYERS}
        missing = sorted(map(str, parts - present))
        if missing:
            self._report.add("incomplete manifests")
            self._report.say(
                f"manifest {repository}@{document.digest}: {len(missing)} of its parts are not in the repository,"
                f" {missing[0]} is one"
            )

    def _take_layers(self, repository_id: int, layers: Mapping[Digest, int]) -> None:
        for digests in _batches(sorted(layers, key=str), _LINKS_TOGETHER):
            if not self._is_dry:
                with relaxed_transaction():
                    ids = _blobs({digest: layers[digest] for digest in digests})
                    links = [BlobLink(repository_id=repository_id, blob_id=ids[str(digest)]) for digest in digests]
                    BlobLink.objects.bulk_create(links, ignore_conflicts=True)
            self._report.add("layers", len(digests))

    def _remove_manifests(self, repository: str, gone: Set[Digest]) -> None:
        for digests in _batches(sorted(map(str, gone)), _MANIFESTS_TOGETHER):
            if not self._is_dry:
                with relaxed_transaction():
                    for digest in digests:
                        if stored := rows.lock(repository, digest):
                            rows.discard(stored)
            self._report.add("removed manifests", len(digests))

    def _remove_layers(self, repository_id: int, gone: Set[Digest]) -> None:
        for digests in _batches(sorted(map(str, gone)), _LINKS_TOGETHER):
            if not self._is_dry:
                with relaxed_transaction():
                    BlobLink.objects.filter(repository_id=repository_id, blob__digest__in=digests).delete()
            self._report.add("removed layers", len(digests))


def _store(repository_id: int, documents: Sequence[tuple[Document, tuple[str, ...]]]) -> None:
    with relaxed_transaction():
        for document, platforms in documents:
            media_type, size = document.manifest.media_type, len(document.content)
            manifest = Reference(media_type, str(document.digest), size)
            rows.store(repository_id, manifest, document.manifest, document.content, platforms=platforms)
        _blobs({document.digest: len(document.content) for document, _ in documents})


def _blobs(sizes: Mapping[Digest, int]) -> dict[str, int]:
    """The ids of their rows, made where they are missing."""
    made = [Blob(digest=str(digest), size=size) for digest, size in sizes.items()]
    Blob.objects.bulk_create(made, ignore_conflicts=True)
    return dict(Blob.objects.filter(digest__in=[str(digest) for digest in sizes]).values_list("digest", "id"))


def _manifests(repository_id: int) -> set[Digest]:
    found = Manifest.objects.filter(repository_id=repository_id).values_list("digest", flat=True)
    return {parse_digest(text) for text in found}


def _references(repository_id: int) -> set[Digest]:
    found = ManifestReference.objects.filter(repository_id=repository_id).values_list("digest", flat=True)
    return {parse_digest(text) for text in found.distinct()}


def _links(repository_id: int) -> set[Digest]:
    found = BlobLink.objects.filter(repository_id=repository_id).values_list("blob__digest", flat=True)
    return {parse_digest(text) for text in found}


def _batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]

"""The bytes of manifests in the blob tree, each with a row like every file there.

A collection removes a blob's row and its bytes in one transaction, and never while a manifest of that digest is known.
So bytes are written with the row locked: they come after such a removal, or what is removed is known to be there.
"""

from collections.abc import Collection, Sequence

from registryhub.database.transactions import relaxed_transaction
from registryhub.oci.digests import Digest
from registryhub.registry import blobs
from registryhub.registry.models import Blob, Manifest
from registryhub.registry.tree.disk import Tree
from registryhub.storage import paths

_LOOKED_AT_TOGETHER = 500
_WRITTEN_TOGETHER = 50  # on SQLite nobody else writes meanwhile


def store_contents(tree: Tree, manifests: Collection[Digest]) -> None:
    """See to it that each has its bytes and its row; what is no manifest of any repository (any more) is left out."""
    wanted = sorted(manifests, key=str)  # two that lock several rows must do it in the same order
    for start in range(0, len(wanted), _LOOKED_AT_TOGETHER):
        missing = _missing(tree, wanted[start : start + _LOOKED_AT_TOGETHER])
        for first in range(0, len(missing), _WRITTEN_TOGETHER):
            _store(tree, missing[first : first + _WRITTEN_TOGETHER])


def _missing(tree: Tree, digests: Sequence[Digest]) -> list[Digest]:
    texts = [str(digest) for digest in digests]
    sizes = dict(Manifest.objects.filter(digest__in=texts).values_list("digest", "size"))
    known = set(Blob.objects.filter(digest__in=texts).values_list("digest", flat=True))
    return [
        digest
        for digest, text in zip(digests, texts, strict=True)
        if text in sizes and (text not in known or tree.size(_path(digest)) != sizes[text])
    ]


def _store(tree: Tree, digests: Sequence[Digest]) -> None:
    rows = Manifest.objects.filter(digest__in=[str(digest) for digest in digests])
    contents = {digest: bytes(payload) for digest, payload in rows.values_list("digest", "payload")}
    with relaxed_transaction():
        for digest in digests:
            content = contents.get(str(digest))
            if content is not None:
                blobs.lock_blob(digest, len(content))
                tree.write_blob(digest, content)


def _path(digest: Digest) -> str:
    return paths.blob_data(digest.algorithm, digest.hex)

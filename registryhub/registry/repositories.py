"""Repositories as a whole: deleting one with everything in it.

Its row stays, since its numbers hang on it; without manifests it is in no catalog.
"""

import time
from functools import partial

from django.db.models import Exists, OuterRef

from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.config.model import Config
from registryhub.oci.errors import NAME_UNKNOWN, OciError
from registryhub.registry import announce, rows, tags
from registryhub.registry.announce import RequestContext
from registryhub.registry.keeping import immutability, quotas
from registryhub.registry.models import BlobLink, Manifest, ManifestReference, Tag
from registryhub.registry.protect import check_use, require_deleting
from registryhub.registry.retries import run_transaction

_TAGS, _MANIFESTS, _LINKS = 200, 50, 1000  # in one transaction: pushes elsewhere wait for it on SQLite
_ASKED_AT_ONCE = 10_000


def delete(context: RequestContext, repository: str, *, config: Config, seconds: float) -> bool:
    """Remove tags and manifests, each with its event, then links to blobs, and tell at last that all of it is gone.

    It goes in short transactions, for so many seconds; False says that something is left, and another call goes on.
    Raises OciError: UNSUPPORTED where deleting is off; NAME_UNKNOWN when there is nothing in it; DENIED when a tag is
    immutable or, with `hub.delete.protect`, something in it is needed outside the registry. Nothing is removed then.
    """
    require_deleting(config)
    repository_id = _find(repository)
    immutability.check_repository_deletable(repository_id, repository)
    if config.hub.delete.protect:
        _check_use(repository_id, repository)
    deadline = time.monotonic() + seconds
    while not run_transaction(partial(_remove_some, context, repository, repository_id)):
        if time.monotonic() > deadline:
            return False
    return True


def _find(repository: str) -> int:
    found = Repository.objects.filter(source_id=HUB_SOURCE_ID, name=repository).values_list("id", flat=True).first()
    if found is None or is_empty(found):
        raise OciError(NAME_UNKNOWN, {"name": repository})
    return found


def _check_use(repository_id: int, repository: str) -> None:
    last, manifests = "", Manifest.objects.filter(repository_id=repository_id).order_by("digest")
    while digests := list(manifests.filter(digest__gt=last).values_list("digest", flat=True)[:_ASKED_AT_ONCE]):
        check_use(repository, digests)
        last = digests[-1]


def _remove_some(context: RequestContext, repository: str, repository_id: int) -> bool:
    """On a transaction; whether nothing is left. Of several who delete it at once one does after the other."""
    Repository.objects.select_for_update(no_key=True).get(pk=repository_id)
    is_less = (
        _remove_tags(context, repository, repository_id)
        or _remove_manifests(context, repository, repository_id)
        or _remove_links(repository_id)
    )
    is_gone = is_empty(repository_id)
    if is_less and is_gone:
        announce.repository_deleted(context, repository)
    return is_gone


def is_empty(repository_id: int) -> bool:
    """Whether the repository holds nothing (any more)."""
    return not any(model.objects.filter(repository_id=repository_id).exists() for model in (Manifest, Tag, BlobLink))


def _remove_tags(context: RequestContext, repository: str, repository_id: int) -> bool:
    found = list(Tag.objects.filter(repository_id=repository_id).order_by("name").select_for_update()[:_TAGS])
    if found:
        tags.remove(context, repository, found)
    return bool(found)


def _remove_manifests(context: RequestContext, repository: str, repository_id: int) -> bool:
    manifests = Manifest.objects.filter(repository_id=repository_id).order_by("digest")
    digests = list(manifests.values_list("digest", flat=True)[:_MANIFESTS])
    for digest in digests:
        if manifest := rows.lock(repository, digest):
            rows.remove(context, repository, manifest)
    return bool(digests)


def _remove_links(repository_id: int) -> bool:
    """But not those that a push is about to use, nor those of a manifest that was pushed meanwhile."""
    links = BlobLink.objects.filter(repository_id=repository_id).order_by("blob_id")
    held = list(links.select_for_update(skip_locked=True).values_list("pk", flat=True)[:_LINKS])
    references = ManifestReference.objects.filter(repository_id=repository_id, digest=OuterRef("blob__digest"))
    free = dict(BlobLink.objects.filter(~Exists(references), pk__in=held).values_list("pk", "blob__size"))
    BlobLink.objects.filter(pk__in=list(free)).delete()
    quotas.released(repository_id, sum(free.values()))
    return bool(free)

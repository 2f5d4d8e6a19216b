"""Quotas: how many bytes a namespace may hold.

What a namespace holds is the sum over its repositories of the sizes of the blobs that each links: a blob in two of them
counts twice, one that two images of a repository share counts once. So what is told is what each team has pushed, and
does not change when another team pushes the same.

The sum stands in the quota's row and moves in the transactions that link and unlink; the row is the last that they
lock, and nested namespaces are locked in the order of their ids. Which quotas there are is remembered for a moment
(`remembered`): a push where none reaches pays nothing. What a process still pushed without a quota that is two seconds
old is found by the next recount.
"""

from collections import Counter
from collections.abc import Mapping

from django.db import connection, transaction
from django.utils import timezone

from registryhub.access.models import HUB_SOURCE_ID
from registryhub.database.lookups import Lookup, Row
from registryhub.oci.errors import DENIED, OciError
from registryhub.registry.keeping.models import Quota
from registryhub.registry.keeping.remembered import Remembered
from registryhub.registry.keeping.words import size_in_words

_LOAD = Lookup("quotas_load", "SELECT namespace, id FROM keeping_quota")
_NAME = Lookup("quota_repository_name", "SELECT name FROM access_repository WHERE id = %s")
_FIND = Lookup("quota_find", "SELECT namespace, used_bytes, limit_bytes FROM keeping_quota WHERE id = %s")
_IS_LINKED = Lookup(
    "quota_is_linked",
    """
    SELECT 1
    FROM access_repository AS repository
    JOIN registry_bloblink AS link ON link.repository_id = repository.id
    JOIN registry_blob AS blob ON blob.id = link.blob_id
    WHERE repository.source_id = %s AND repository.name = %s AND blob.digest = %s
    """,
)
_CHARGE = """
    UPDATE keeping_quota SET used_bytes = used_bytes + %s
    WHERE id = %s AND used_bytes + %s <= limit_bytes
"""
_RELEASE = """
    UPDATE keeping_quota SET used_bytes = CASE WHEN used_bytes > %s THEN used_bytes - %s ELSE 0 END
    WHERE id = %s
"""
_HELD = """
    SELECT COALESCE(SUM(blob.size), 0)
    FROM access_repository AS repository
    JOIN registry_bloblink AS link ON link.repository_id = repository.id
    JOIN registry_blob AS blob ON blob.id = link.blob_id
    WHERE repository.source_id = %s AND (repository.name = %s OR (repository.name >= %s AND repository.name < %s))
"""

known: Remembered[dict[str, int]] = Remembered(lambda: dict(_LOAD.all()))
"""The ids of all quotas by their namespace, no older than two seconds."""


def covering(repository: str) -> list[int]:
    """The ids of the quotas that a repository counts towards, in the order in which they are locked."""
    ids = known.get()
    if not ids:
        return []
    parts = repository.split("/")
    namespaces = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
    return sorted(ids[namespace] for namespace in namespaces if namespace in ids)


def require_room(repository: str, coming_bytes: int = 0, digest: str = "") -> None:
    """Refuse early what could not be linked at its end; nothing is reserved by it.

    A blob that the repository has already brings nothing. Raises OciError(DENIED).
    """
    for quota_id in covering(repository):
        row = _FIND.one(quota_id)
        if row is None or row[1] + max(coming_bytes, 1) <= row[2]:
            continue
        if digest and _IS_LINKED.one(HUB_SOURCE_ID, repository, digest) is not None:
            return
        raise _exceeded(row, coming_bytes)


def charge(quota_ids: list[int], size: int) -> None:
    """Add a new link to the quotas that cover it, on the transaction that makes it. Raises OciError(DENIED)."""
    with connection.cursor() as cursor:
        for quota_id in quota_ids:
            cursor.execute(_CHARGE, (size, quota_id, size))
            if cursor.rowcount == 0 and (row := _FIND.one(quota_id)) is not None:
                raise _exceeded(row, size)


def released(repository_id: int, size: int) -> None:
    """Links of a repository are gone, of so many bytes in all: the last call of the transaction that removes them."""
    released_by({repository_id: size})


def released_by(sizes: Mapping[int, int]) -> None:
    """The same for links of several repositories, by the ids of these."""
    if not known.get():
        return
    sums: Counter[int] = Counter()
    for repository_id, size in sizes.items():
        row = _NAME.one(repository_id)
        sums.update(dict.fromkeys(covering(row[0]), size) if row else {})
    with connection.cursor() as cursor:
        for quota_id, size in sorted(sums.items()):
            cursor.execute(_RELEASE, (size, size, quota_id))


def recount(quota_id: int) -> int | None:
    """Add up what the namespace holds; None when the quota is gone.

    The row is locked first, and whoever links holds it until the end of his transaction: what is added up are the
    links of all who have counted theirs, and of nobody else. Pushes into the namespace wait meanwhile, 0.2 s for
    100,000 links.
    """
    with transaction.atomic():
        quota = Quota.objects.select_for_update().filter(pk=quota_id).first()
        if quota is None:
            return None
        quota.used_bytes, quota.counted_at = held_by(quota.namespace), timezone.now()
        quota.save(update_fields=["used_bytes", "counted_at"])
        return quota.used_bytes


def recount_all() -> None:
    """For the end of a collection and for once a day: what was miscounted is mended."""
    for quota_id in Quota.objects.order_by("pk").values_list("pk", flat=True):
        recount(quota_id)


def held_by(namespace: str) -> int:
    """The bytes that the repositories of a namespace link."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD, (HUB_SOURCE_ID, namespace, f"{namespace}/", f"{namespace}0"))  # 0 comes after /
        return int(cursor.fetchone()[0])


def _exceeded(row: Row, coming: int) -> OciError:
    namespace, used, limit = row
    brings = f", and this push brings {size_in_words(coming)}" if coming else ""
    return OciError(
        DENIED,
        {"namespace": namespace, "used_bytes": used, "limit_bytes": limit, "coming_bytes": coming},
        message=f"the quota of {namespace} is used up: {size_in_words(used)} of {size_in_words(limit)} are in use"
        f"{brings}; delete images that are not needed and let a garbage collection run, or ask for more",
    )

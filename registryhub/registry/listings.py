"""What is there, page by page: a key and an index, never an offset (reference B.11)."""

from dataclasses import dataclass

from registryhub.access.models import HUB_SOURCE_ID
from registryhub.database.lookups import Lookup
from registryhub.oci.errors import NAME_UNKNOWN, OciError

EVERYTHING = 2**62
"""A page without a bound."""

_TAGS = Lookup(
    "listing_tags",
    """
    SELECT name
    FROM registry_tag
    WHERE repository_id = (SELECT id FROM access_repository WHERE source_id = %s AND name = %s) AND name > %s
    ORDER BY name
    LIMIT %s
    """,
)
_HAS_MANIFESTS = Lookup(
    "listing_has_manifests",
    """
    SELECT 1
    FROM registry_manifest
    WHERE repository_id = (SELECT id FROM access_repository WHERE source_id = %s AND name = %s)
    LIMIT 1
    """,
)
# OFFSET 0 keeps PostgreSQL from reading all manifests for a join: it walks the names and stops when the page is full.
_CATALOG = Lookup(
    "listing_catalog",
    """
    SELECT repository.name
    FROM access_repository AS repository
    WHERE repository.source_id = %s AND repository.name > %s AND EXISTS (
        SELECT 1 FROM registry_manifest AS manifest WHERE manifest.repository_id = repository.id LIMIT 1 OFFSET 0
    )
    ORDER BY repository.name
    LIMIT %s
    """,
)


@dataclass(frozen=True, slots=True)
class Page:
    """Names in bytewise order; `has_more` says whether another page follows the last of them."""

    names: list[str]
    has_more: bool


def list_tags(repository: str, *, after: str, limit: int) -> Page:
    """The tags of a repository behind `after`. Raises OciError(NAME_UNKNOWN) when it has no manifest either."""
    page = _page(_TAGS.all(HUB_SOURCE_ID, repository, after, limit + 1), limit)
    if not page.names and not page.has_more and _HAS_MANIFESTS.one(HUB_SOURCE_ID, repository) is None:
        raise OciError(NAME_UNKNOWN, {"name": repository})
    return page


def list_repositories(*, after: str, limit: int) -> Page:
    """The repositories that hold a manifest, behind `after`."""
    return _page(_CATALOG.all(HUB_SOURCE_ID, after, limit + 1), limit)


def _page(rows: list[tuple[str, ...]], limit: int) -> Page:
    return Page([name for (name,) in rows[:limit]], has_more=len(rows) > limit)

"""Repositories and tags with their numbers, a page at a time, in a fixed number of queries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, F, QuerySet, Sum, Value
from django.db.models.functions import Coalesce

from notifications.analytics.models import TagTotals
from registryhub.access.models import Repository
from registryhub.database.keyset import Page, read_page
from registryhub.registry.models import BlobLink, Tag

_COUNTS = ("pulls", "pushes", "checks")
_WIDE_COUNTS = (*_COUNTS, "excluded", "bytes", "pullers", "pulls_24h", "pulls_7d", "pulls_30d", "pulls_90d")
_CLOCKS = ("last_pulled_at", "last_seen_at", "last_pushed_at")
_NEVER = datetime(1, 1, 1, tzinfo=UTC)

_REPOSITORY_FIELDS = ("id", "name", "is_public", *_WIDE_COUNTS, *_CLOCKS)
_TAG_FIELDS = ("name", "digest", "media_type", "size", "moved_at")


def _both_ways(name: str, *columns: str) -> Mapping[str, Sequence[str]]:
    first, *rest = columns
    return {name: (first, *rest), f"-{name}": (f"-{first}", *rest)}


REPOSITORY_ORDERS: Mapping[str, Sequence[str]] = {
    **_both_ways("name", "name"),
    **{key: order for name in _WIDE_COUNTS for key, order in _both_ways(name, name, "name").items()},
    **{key: order for name in _CLOCKS for key, order in _both_ways(name, f"{name}_order", "name").items()},
}
TAG_ORDERS: Mapping[str, Sequence[str]] = {**_both_ways("name", "name"), **_both_ways("moved_at", "moved_at", "name")}

SEEN_TAG_ORDERS: Mapping[str, Sequence[str]] = {**_both_ways("name", "name"), **_both_ways("pulls", "pulls", "name")}


def repository_page(
    repositories: QuerySet[Repository],
    *,
    search: str,
    ordering: str,
    cursor: str,
    limit: int,
    is_of_many_sources: bool = False,
) -> Page:
    """Repositories whose name contains `search`. Raises InvalidCursor.

    Within one source names are unique; of many sources the row's number tells those of one name apart.
    """
    if search:
        repositories = repositories.filter(name__contains=search)
    order = [*REPOSITORY_ORDERS[ordering], "id"] if is_of_many_sources else REPOSITORY_ORDERS[ordering]
    page = read_page(_in_order(repositories, order), order, cursor=cursor, limit=limit)
    return replace(page, rows=_repository_rows([row["id"] for row in page.rows]))


def repository_row(repository_id: int) -> dict[str, Any]:
    """One repository, as in a page."""
    return _repository_rows([repository_id])[0]


def tag_page(repository_id: int, *, search: str, ordering: str, cursor: str, limit: int) -> Page:
    """Tags of a repository, whose name contains `search`. Raises InvalidCursor."""
    tags = Tag.objects.filter(repository_id=repository_id)
    if search:
        tags = tags.filter(name__contains=search)
    page = read_page(tags.values(*_TAG_FIELDS), TAG_ORDERS[ordering], cursor=cursor, limit=limit)
    names = [row["name"] for row in page.rows]
    totals = TagTotals.objects.filter(repository_id=repository_id, tag__in=names)
    found = {row.pop("tag"): row for row in totals.values("tag", *_COUNTS, *_CLOCKS)} if names else {}
    return replace(page, rows=[row | (found.get(row["name"]) or _nothing()) for row in page.rows])


def seen_tag_page(repository_id: int, *, search: str, ordering: str, cursor: str, limit: int) -> Page:
    """Tags that events have named, whose name contains `search`: all there is of another registry's tags.

    Raises InvalidCursor.
    """
    totals = TagTotals.objects.filter(repository_id=repository_id)
    if search:
        totals = totals.filter(tag__contains=search)
    rows: QuerySet[Any, dict[str, Any]] = totals.annotate(name=F("tag")).values("name", *_COUNTS, *_CLOCKS)
    return read_page(rows, SEEN_TAG_ORDERS[ordering], cursor=cursor, limit=limit)


def _nothing() -> dict[str, Any]:
    return dict.fromkeys(_COUNTS, 0) | dict.fromkeys(_CLOCKS, None)


def _in_order(repositories: QuerySet[Repository], order: Iterable[str]) -> QuerySet[Any, dict[str, Any]]:
    """By what they are sorted, and nothing else: whoever is sorted with all there is to say takes twice as long."""
    names = [name.removeprefix("-") for name in order]
    sorts: dict[str, Any] = {name: _SORTS[name] for name in names if name in _SORTS}
    rows: QuerySet[Any, dict[str, Any]] = repositories.annotate(**sorts).values(*{"id": None, **dict.fromkeys(names)})
    return rows


_COUNTED: Mapping[str, Any] = {name: Coalesce(f"totals__{name}", Value(0)) for name in _WIDE_COUNTS}
_SORTS: Mapping[str, Any] = {
    **_COUNTED,
    **{f"{name}_order": Coalesce(f"totals__{name}", Value(_NEVER)) for name in _CLOCKS},
}


def _repository_rows(ids: Sequence[int]) -> list[dict[str, Any]]:
    """With their numbers, how many tags each has, and the bytes of all blobs in it; in this order."""
    if not ids:
        return []
    clocks: dict[str, Any] = {name: F(f"totals__{name}") for name in _CLOCKS}
    known = Repository.objects.filter(pk__in=ids).annotate(**_COUNTED, **clocks)
    found = {row["id"]: row for row in known.values(*_REPOSITORY_FIELDS, source_name=F("source__name"))}
    tags = dict(_grouped(Tag.objects.filter(repository_id__in=ids), Count("pk")))
    sizes = dict(_grouped(BlobLink.objects.filter(repository_id__in=ids), Sum("blob__size")))
    return [
        found[id_] | {"source": found[id_]["source_name"], "tags": tags.get(id_, 0), "size": int(sizes.get(id_, 0))}
        for id_ in ids
    ]


def _grouped(rows: QuerySet[Any], value: Any) -> Iterable[tuple[int, Any]]:
    found: Iterable[tuple[int, Any]] = (
        rows.values("repository_id").annotate(found=value).order_by().values_list("repository_id", "found")
    )
    return found

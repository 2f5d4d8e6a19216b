"""Finding or making the identity of a repository."""

from collections.abc import Iterable
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string

from registryhub.access.models import HUB_SOURCE_ID, Repository, Source
from registryhub.database.arrays import as_list, one_of

Name = tuple[int, str]
"""A repository: source and name."""


class Known(NamedTuple):
    """What a repository is known by, and whether everybody may see it."""

    id: int
    is_public: bool


def ensure_repository(source_id: int, name: str) -> int:
    """The id of the repository, which is made when it is new. Several at once end with one row."""
    return ensure_repositories([(source_id, name)])[source_id, name].id


def ensure_repositories(pairs: Iterable[Name]) -> dict[Name, Known]:
    """Many repositories; the missing ones are made."""
    wanted = set(pairs)
    found = _find(wanted)
    missing = wanted - found.keys()
    if missing:
        is_public = _defaults({source_id for source_id, _ in missing})
        with transaction.atomic():
            Repository.objects.bulk_create(
                [
                    Repository(source_id=source_id, name=name, is_public=is_public[source_id])
                    for source_id, name in sorted(missing)
                ],
                ignore_conflicts=True,
            )
        found |= _find(missing)
    return found


def set_public(repository_id: int, *, is_public: bool) -> None:
    """Let everybody see the repository, or only staff. Who adds numbers up for everybody hears of it before.

    settings.SIGHT_CHANGES are dotted paths of callables, which are given the repository as it was and the new sight.
    """
    with transaction.atomic():
        repository = Repository.objects.select_for_update().get(pk=repository_id)
        if repository.is_public == is_public:
            return
        for path in settings.SIGHT_CHANGES:
            import_string(path)(repository, is_public=is_public)
        Repository.objects.filter(pk=repository_id).update(is_public=is_public)


def _find(pairs: set[Name]) -> dict[Name, Known]:
    names_of: dict[int, list[str]] = {}
    for source_id, name in pairs:
        names_of.setdefault(source_id, []).append(name)
    found: dict[Name, Known] = {}
    with connection.cursor() as cursor:
        for source_id, names in names_of.items():
            cursor.execute(
                f"SELECT name, id, is_public FROM access_repository WHERE source_id = %s AND {one_of('name')}",  # noqa: S608
                (source_id, as_list(names)),
            )
            found.update(((source_id, name), Known(id_, bool(public))) for name, id_, public in cursor.fetchall())
    return found


def _defaults(source_ids: set[int]) -> dict[int, bool]:
    public = dict(Source.objects.filter(id__in=source_ids).values_list("id", "is_public"))
    public[HUB_SOURCE_ID] = settings.HUB.repositories_public
    return public

"""Finding or making the identity of a repository."""

from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from registryhub.access.models import HUB_SOURCE_ID, Repository, Source


def ensure_repository(source_id: int, name: str) -> int:
    """The id of the repository, which is made when it is new. Several at once end with one row."""
    return ensure_repositories([(source_id, name)])[source_id, name]


def ensure_repositories(pairs: Iterable[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """The ids of many repositories, given as (source id, name); the missing ones are made."""
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


def _find(pairs: set[tuple[int, str]]) -> dict[tuple[int, str], int]:
    names_of: dict[int, list[str]] = {}
    for source_id, name in pairs:
        names_of.setdefault(source_id, []).append(name)
    return {
        (source_id, name): id_
        for source_id, names in names_of.items()
        for id_, name in Repository.objects.filter(source_id=source_id, name__in=names).values_list("id", "name")
    }


def _defaults(source_ids: set[int]) -> dict[int, bool]:
    public = dict(Source.objects.filter(id__in=source_ids).values_list("id", "is_public"))
    public[HUB_SOURCE_ID] = settings.HUB.repositories_public
    return public

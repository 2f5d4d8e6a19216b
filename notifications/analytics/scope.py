"""Which repositories a question is about, of those the asker may see."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound

from notifications.analytics.live import Clause
from registryhub.access.models import HUB_SOURCE_NAME, Repository, Source
from registryhub.access.visibility import sees_everything, visible_repositories

User = AbstractBaseUser | AnonymousUser


@dataclass(frozen=True, slots=True)
class Scope:
    """Some repositories, by their numbers; or, without, all of a source (without that: of all) that one may see."""

    repositories: tuple[int, ...] | None = None
    source_id: int | None = None
    sees_private: bool = False

    def condition(self) -> Clause:
        """Of the rows of its repositories, or of its sources."""
        if self.repositories is not None:
            return among("repository_id", self.repositories)
        sides = "(true, false)" if self.sees_private else "(true)"
        if self.source_id is None:
            return Clause(f"source_id IN (SELECT id FROM access_source) AND is_public IN {sides}")  # noqa: S608
        return Clause(f"source_id = %s AND is_public IN {sides}", (self.source_id,))

    def sight(self) -> Clause:
        """Of the rows of `access_repository`, called `repository`."""
        if self.repositories is not None:
            return among("repository.id", self.repositories)
        source = Clause("repository.source_id = %s", (self.source_id,)) if self.source_id else Clause("true")
        return source if self.sees_private else Clause(f"{source.sql} AND repository.is_public", source.parameters)


def among(column: str, ids: Iterable[int]) -> Clause:
    """One of these; of none nothing is found."""
    found = tuple(ids)
    return Clause(f"{column} IN ({', '.join('%s' for _ in found)})", found) if found else Clause("1 = 0")


def scope_of(user: User, source: Source | None = None) -> Scope:
    """All that the user may see of a source, or of all."""
    return Scope(source_id=source.pk if source else None, sees_private=sees_everything(user))


def find_source(user: User, name: str = "") -> Source:
    """The source of that name, this hub by default.

    Raises NotFound, also for a source of which the user sees no repository: names of sources are no public matter.
    """
    wanted = name or HUB_SOURCE_NAME
    source = Source.objects.filter(name=wanted).first()
    if source is None or not (source.is_hub or _sees(user, source)):
        raise NotFound(f"There is no source {wanted!r}.")
    return source


def find_repository(user: User, source: Source, name: str) -> Repository:
    """Raises NotFound, the same for what does not exist and what the user may not see."""
    return find_repositories(user, source, [name])[0]


def find_repositories(user: User, source: Source, names: Iterable[str]) -> list[Repository]:
    """In the order of the names. Raises NotFound as above, for the first that is missing. One query."""
    wanted = list(dict.fromkeys(names))
    seen = visible_repositories(user).filter(source=source, name__in=wanted)
    found = {repository.name: repository for repository in seen}
    for name in wanted:
        if name not in found:
            raise NotFound(f"There is no repository {name!r} at the source {source.name!r}.")
    return [found[name] for name in wanted]


def repositories_of(user: User, source: Source) -> QuerySet[Repository]:
    """All that the user may see of a source."""
    return visible_repositories(user).filter(source=source)


def _sees(user: User, source: Source) -> bool:
    return sees_everything(user) or repositories_of(user, source).exists()

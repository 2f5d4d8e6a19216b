"""Which repositories a question is about, of those the asker may see."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet
from rest_framework.exceptions import NotFound

from registryhub.access.models import HUB_SOURCE_NAME, Repository, Source
from registryhub.access.visibility import sees_everything, visible_repositories

User = AbstractBaseUser | AnonymousUser


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
    repository = visible_repositories(user).filter(source=source, name=name).first()
    if repository is None:
        raise NotFound(f"There is no repository {name!r} at the source {source.name!r}.")
    return repository


def repositories_of(user: User, source: Source) -> QuerySet[Repository]:
    """All that the user may see of a source."""
    return visible_repositories(user).filter(source=source)


def _sees(user: User, source: Source) -> bool:
    return sees_everything(user) or repositories_of(user, source).exists()

"""Who sees which repositories: the one verb that every page, number and feed goes through."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet

from registryhub.access.models import Repository


def sees_everything(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Active staff see every repository, and what belongs to none (endpoints, sources, the quarantine)."""
    return bool(user.is_active and getattr(user, "is_staff", False))


def visible_repositories(user: AbstractBaseUser | AnonymousUser) -> QuerySet[Repository]:
    """The repositories whose name, events and numbers the user may see."""
    if sees_everything(user):
        return Repository.objects.all()
    return Repository.objects.filter(is_public=True)


def sight(user: AbstractBaseUser | AnonymousUser) -> str:
    """Whoever has the same sight sees the same repositories: a key for what is worked out once for all of them."""
    return "everything" if sees_everything(user) else "public"

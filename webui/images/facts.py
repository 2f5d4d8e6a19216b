"""A repository as its page shows it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, OuterRef, Subquery
from django.http import Http404, HttpRequest

from notifications.analytics.firsts import first_counted
from notifications.analytics.models import RepositoryTotals
from notifications.analytics.scope import Scope
from registryhub.access.models import HUB_SOURCE_NAME, Repository
from registryhub.access.visibility import visible_repositories
from registryhub.registry.models import Tag

User = AbstractBaseUser | AnonymousUser


@dataclass(frozen=True, slots=True)
class Facts:
    """`totals` are all zero for what nobody has used; `first_counted` is when counting began, None for never."""

    repository: Repository
    totals: RepositoryTotals
    tags: int
    first_counted: datetime | None

    @property
    def is_hub(self) -> bool:
        """Whether its images are here, and not only events about them."""
        return self.repository.source.is_hub

    @property
    def folders(self) -> str:
        """The name without its last part."""
        return self.repository.name.rpartition("/")[0]

    def pull_command(self, request: HttpRequest, reference: str) -> str:
        """`reference` is `:tag` or `@digest`."""
        return f"docker pull {registry_host(request)}/{self.repository.name}{reference}"


def find_facts(user: User, name: str, source: str) -> Facts:
    """Of a repository of that source, of the hub by default. Two queries.

    Raises Http404, the same for what does not exist and for what the user may not see.
    """
    tags = Tag.objects.filter(repository=OuterRef("pk")).order_by().values("repository").annotate(count=Count("pk"))
    found: Any = (
        visible_repositories(user)
        .filter(source__name=source or HUB_SOURCE_NAME, name=name)
        .select_related("source", "totals")
        .annotate(tag_count=Subquery(tags.values("count")))
        .first()
    )
    if found is None:
        raise Http404
    totals = getattr(found, "totals", None) or RepositoryTotals(repository=found)
    return Facts(found, totals, found.tag_count or 0, first_counted(Scope((found.pk,))))


def registry_host(request: HttpRequest) -> str:
    """What images of this hub are pulled from."""
    return urlsplit(settings.HUB.http.host or "").netloc or request.get_host()

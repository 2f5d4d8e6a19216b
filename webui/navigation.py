"""The sections of the site, and which of them the reader stands in.

A section is the part of a URL's name before the first dash: `webhooks` and `webhooks-endpoint` belong to one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.urls import ResolverMatch

from registryhub.access.visibility import sees_everything

User = AbstractBaseUser | AnonymousUser


@dataclass(frozen=True, slots=True)
class Section:
    """An entry of the navigation; `name` is what the names of its URLs begin with."""

    title: str
    path: str
    name: str
    is_for_staff: bool = False


SECTIONS: Sequence[Section] = (
    Section("Dashboard", "/", "home"),
    Section("Images", "/repositories", "images"),
    Section("Boards", "/boards", "boards"),
    Section("Events", "/events", "events"),
    Section("Webhooks", "/webhooks", "webhooks", is_for_staff=True),
    Section("Sources", "/sources", "sources", is_for_staff=True),
    Section("Deployments", "/deployments", "deployments", is_for_staff=True),
    Section("Services", "/services", "services", is_for_staff=True),
    Section("Keeping", "/keeping", "keeping", is_for_staff=True),
    Section("API", "/api/v1/docs", "api"),
    Section("Admin", "/admin/", "admin", is_for_staff=True),
)


def sections_for(user: User | None) -> Sequence[Section]:
    """What the user may go to; without one, as on a page about an error, what everybody may."""
    if user is not None and sees_everything(user):
        return SECTIONS
    return [section for section in SECTIONS if not section.is_for_staff]


def section_name(match: ResolverMatch | None) -> str:
    """The name of the section a page belongs to; "" for none."""
    return (match.url_name or "").partition("-")[0] if match else ""

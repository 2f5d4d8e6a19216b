"""The latest pushes."""

from collections.abc import Sequence

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from notifications.log.listing import visible_events
from notifications.log.models import Event
from registryhub.access.visibility import sees_everything

User = AbstractBaseUser | AnonymousUser

LINES = 8
LOOKED_AT = 5_000
"""So many pushes of blobs and manifests are looked at, however few of them the user may see."""


def latest_pushes(user: User) -> Sequence[Event]:
    """Pushes of tags, the latest first. One query."""
    events = visible_events(user).filter(action="push", tag__gt="")
    if not sees_everything(user):
        newest = Event.objects.filter(action="push").order_by("-seq").values("seq")[:LOOKED_AT]
        events = events.filter(seq__in=newest)
    return list(events.order_by("-seq").defer("raw").select_related("source")[:LINES])

"""Which events of the log an endpoint gets: said once as a test of an event and once as a condition of a query."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F, Q
from django.db.models.lookups import Exact

from notifications.delivery.filtering.selection import Selection, compile_selection
from notifications.delivery.sending.notice_events import subject_of
from notifications.events import ACTIONS, MEDIA_TYPE_PROBE
from notifications.log.consume import LoggedEvent
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.config.filters import Filter as Chosen
from registryhub.config.hub import Events

BLOB_MEDIA_TYPE = "application/octet-stream"
"""What the events of blobs carry, whatever the manifests call them (reference C.2)."""
_READS = ("pull", "check")
_OF_THIS_HUB = Exact(F("source_id") + 0, HUB_SOURCE_ID)
"""Written so that SQLite does not take the index of repositories for it: nearly all events are of this hub."""
_NOTICE = "notice"
_CHANGES = frozenset(("push", "mount", "delete"))


@dataclass(frozen=True, slots=True)
class Filter:
    """Only events of this hub, of actions and media types that are not excluded (reference C.1).

    And only what is selected by facts, if anything is. An endpoint that takes notices gets those about others whatever
    is selected, but none about itself, which `own_notices` names: they would never end.
    """

    excluded_actions: frozenset[str]
    excluded_media_types: frozenset[str]
    sends_blob_pulls: bool
    own_notices: str = ""
    selection: Selection | None = None

    @property
    def is_exact(self) -> bool:
        """Whether the condition holds for nothing else than what is sent."""
        return self.selection is None or self.selection.is_exact

    def takes(self, event: LoggedEvent) -> bool:
        """Whether the event is sent."""
        if event.source_id != HUB_SOURCE_ID or event.action in self.excluded_actions:
            return False
        if event.media_type in self.excluded_media_types or event.repository == self.own_notices:
            return False
        if self.selection is not None and event.action != _NOTICE and not self.selection.takes(event):
            return False
        return self.sends_blob_pulls or event.media_type != BLOB_MEDIA_TYPE or event.action not in _READS

    @property
    def only_changes(self) -> bool:
        """Whether nothing is sent but pushes, mounts and deletes."""
        left = ACTIONS - self.excluded_actions
        return left <= _CHANGES or (self.selection is not None and self.selection.only_changes and _NOTICE not in left)

    def refuser(self, event: LoggedEvent) -> str | None:
        """The key of the settings that keeps an event from being sent, which would be sent without them."""
        if event.action in self.excluded_actions:
            return "ignore.actions"
        if event.media_type in self.excluded_media_types:
            return "ignore.mediatypes"
        key = self.selection.refuser(event) if self.selection is not None else None
        return f"filter.{key}" if key else None

    def condition(self) -> Q:
        """For a query over the log: it holds for every event that is sent."""
        condition = Q(_OF_THIS_HUB)
        if self.excluded_actions:
            condition &= ~Q(action__in=self.excluded_actions)
        if self.own_notices:
            condition &= ~Q(repository=self.own_notices)
        if self.excluded_media_types:
            condition &= ~Q(media_type__in=self.excluded_media_types)
        if not self.sends_blob_pulls:
            condition &= ~Q(media_type=BLOB_MEDIA_TYPE, action__in=_READS)
        if self.selection is not None and self.selection.condition:
            condition &= self.selection.condition | Q(action=_NOTICE)
        return condition


def build_filter(
    ignored_actions: Iterable[str],
    ignored_media_types: Iterable[str],
    events: Events,
    *,
    notices_to: str = "",
    chosen: Chosen | None = None,
) -> Filter:
    """The filter of an endpoint. A check is sent as a pull if at all, so whoever ignores pulls ignores checks too.

    `notices_to` is the name of the endpoint, if it takes notices; `chosen` its `filter`.
    """
    excluded = frozenset(ignored_actions)
    if not events.compat or "pull" in excluded:
        excluded |= {"check"}
    if not notices_to:
        excluded |= {_NOTICE}
    own = subject_of(notices_to) if notices_to else ""
    selection = compile_selection(chosen) if chosen is not None else None
    media_types = frozenset((*ignored_media_types, MEDIA_TYPE_PROBE))
    return Filter(excluded, media_types, events.blob_pulls, own, selection)

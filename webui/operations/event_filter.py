"""Which events the reader of the log asks for."""

from typing import Any

from django import forms
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, QuerySet

from registryhub.access.models import Source
from registryhub.access.visibility import sees_everything, visible_repositories

User = AbstractBaseUser | AnonymousUser

_ACTIONS = (
    ("", "all"),
    ("push", "pushes"),
    ("pull", "pulls"),
    ("check", "version checks"),
    ("mount", "mounts"),
    ("delete", "deletions"),
    ("notice", "messages"),
)
_EXACT = ("repository", "tag", "action", "actor")
_PLAIN = {"autocapitalize": "none", "spellcheck": "false"}


class MomentInput(forms.DateTimeInput):
    """The browser's own field for a date and a time."""

    input_type = "datetime-local"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%dT%H:%M")


class EventFilter(forms.Form):
    """Everything is optional; `actor` is for staff, since it says who uses what."""

    MORE = ("source", "actor", "since", "until")
    """What is folded away until it is used."""

    repository = forms.CharField(required=False, max_length=255, widget=forms.TextInput(_PLAIN))
    tag = forms.CharField(required=False, max_length=128, widget=forms.TextInput(_PLAIN))
    action = forms.ChoiceField(required=False, choices=_ACTIONS)
    source = forms.ChoiceField(required=False)
    actor = forms.CharField(required=False, max_length=255, widget=forms.TextInput(_PLAIN))
    since = forms.DateTimeField(required=False, label="From (UTC)", widget=MomentInput)
    until = forms.DateTimeField(required=False, label="Until (UTC)", widget=MomentInput)

    def __init__(self, data: Any, user: User) -> None:
        super().__init__(data)
        self._user = user
        self._sources = dict(visible_sources(user).order_by("name").values_list("name", "pk"))
        self._offer_sources()
        if not sees_everything(user):
            del self.fields["actor"]

    def wanted(self) -> dict[str, Any]:
        """Fields of events and their values, for the log's own listing; nothing from a form with errors."""
        if not self.is_valid():
            return {}
        data = self.cleaned_data
        wanted = {name: data[name] for name in _EXACT if data.get(name)}
        source = self._sources.get(data.get("source", "")) or self._only_source(wanted.get("repository", ""))
        if source is not None:
            wanted["source_id"] = source
        if data["since"]:
            wanted["received_at__gte"] = data["since"]
        if data["until"]:
            wanted["received_at__lt"] = data["until"]
        return wanted

    @property
    def is_narrow(self) -> bool:
        """Whether something of MORE is asked for, or wrong."""
        return any(self.data.get(name) for name in self.MORE)

    @property
    def is_used(self) -> bool:
        """Whether anything narrows the log."""
        return any(self.data.get(name) for name in self.fields)

    def _offer_sources(self) -> None:
        """Whoever sees one source only has nothing to choose."""
        if len(self._sources) < 2:
            del self.fields["source"]
            return
        field = self.fields["source"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "all"), *((name, name) for name in self._sources)]

    def _only_source(self, repository: str) -> int | None:
        """The source of the repository, if one only has it: with it the log is read by its index."""
        if not repository:
            return None
        named = visible_repositories(self._user).filter(source_id__in=self._sources.values(), name=repository)
        found = list(named.values_list("source_id", flat=True)[:2])
        return found[0] if len(found) == 1 else None


def visible_sources(user: User) -> QuerySet[Source]:
    """The registries of which the user may know."""
    if sees_everything(user):
        return Source.objects.all()
    return Source.objects.filter(Exists(visible_repositories(user).filter(source_id=OuterRef("pk"))))

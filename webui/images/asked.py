"""What readers ask of the lists of images and tags; what makes no sense counts as not asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.http import HttpRequest

REPOSITORY_CHOICES = (("-pulls", "Most pulled"), ("-last_pushed_at", "Last pushed"), ("name", "Name"))
TAG_CHOICES = (("-moved_at", "Last pushed"), ("name", "Name"))
SEEN_TAG_CHOICES = (("-pulls", "Most pulled"), ("name", "Name"))

_MAX_CURSOR = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """`order` is one of the choices, the first by default; the texts may be empty."""

    search: str
    order: str
    source: str
    cursor: str


class _Form(forms.Form):
    search = forms.CharField(required=False, max_length=255)
    source = forms.CharField(required=False, max_length=100)
    cursor = forms.CharField(required=False, max_length=_MAX_CURSOR)
    order = forms.ChoiceField(required=False)

    def __init__(self, request: HttpRequest, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__(request.GET)
        self.fields["order"].choices = choices  # type: ignore[attr-defined]


def read_asked(request: HttpRequest, choices: Sequence[tuple[str, str]]) -> Asked:
    """From the query string. Names are written in lower case, so whatever is searched is too."""
    form = _Form(request, choices)
    form.is_valid()
    found = form.cleaned_data
    return Asked(
        search=found.get("search", ""),
        order=found.get("order") or choices[0][0],
        source=found.get("source", ""),
        cursor=found.get("cursor", ""),
    )


def read_source(request: HttpRequest) -> str:
    """Whose repository is asked for; "" is this hub's."""
    return read_asked(request, TAG_CHOICES).source

"""The fields of a form that say which events an endpoint gets, and what they say in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from webui.operations.setting_fields import LinesField

_PLAIN = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
ACTIONS = (("push", "pushes"), ("pull", "pulls"), ("mount", "mounts"), ("delete", "deletions"))
_TAGGED = [("new", "is new"), ("moved", "has moved"), ("same", "is where it was")]
_WORDS = {
    "repositories": "repositories",
    "tags": "tags",
    "versions": "versions",
    "tagged": "tags that are",
    "actions": "only",
    "mediatypes": "media types",
    "platforms": "platforms",
    "actors": "users",
    "minsize": "from a size of",
    "maxsize": "up to a size of",
}


class SizeField(forms.CharField):
    """A number of bytes with its unit."""

    def __init__(self, example: str, **kwargs: Any) -> None:
        super().__init__(required=False, widget=forms.TextInput({"placeholder": example, **_PLAIN}), **kwargs)


class FilterFields(forms.Form):
    """All of what is filled in must hold of an event; of several lines one must, and none of those with `!`."""

    FILTER: Mapping[str, tuple[str, str]] = {f"filter_{key}": ("filter", key) for key in _WORDS}
    """Field → where it stands in the settings."""

    filter_repositories = LinesField(
        "team/**", label="Repositories", help_text="* is any text without /, ** any text; !team/x leaves one out."
    )
    filter_tags = LinesField(
        "v*", label="Tags", help_text="A regular expression begins with ~; !latest leaves one out."
    )
    filter_versions = LinesField(
        ">=1.2 <2", rows=2, label="Versions in tags", help_text="Ranges such as ^1.4, ~1.4.2 or >=1.2 <2."
    )
    filter_platforms = LinesField(
        "linux/arm64", rows=2, label="Platforms of pushes", help_text="linux/* is every Linux."
    )
    filter_actors = LinesField("ci-*", rows=2, label="Users", help_text="Who pushed, pulled or deleted.")
    filter_mediatypes = LinesField(
        "application/vnd.oci.image.*", rows=2, label="Media types", help_text="Of manifests and blobs."
    )
    filter_minsize = SizeField("10MiB", label="From this size on", help_text="Of a blob, or of a manifest itself.")
    filter_maxsize = SizeField("2GiB", label="Up to this size")
    filter_tagged = forms.MultipleChoiceField(
        required=False, label="Pushes whose tag", choices=_TAGGED, widget=forms.CheckboxSelectMultiple
    )
    filter_actions = forms.MultipleChoiceField(
        required=False,
        label="Only",
        choices=ACTIONS,
        widget=forms.CheckboxSelectMultiple,
    )


def write_filter(chosen: Mapping[str, Any]) -> Sequence[str]:
    """A filter for people to read, a line for each of its keys."""
    return [f"{words} {_listed(chosen[key])}" for key, words in _WORDS.items() if chosen.get(key)]


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)

"""The forms of rules and quotas. They validate as the API and the admin do: by the models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from registryhub.registry.keeping.models import ImmutableRule, Quota, RetentionRule
from webui.keeping.fields import AgeField, SizeField

_PLAIN = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
_GLOB = "* is any text without /, ** any text, ? one character. So team/* or **."
_TAGS = "A regular expression (RE2) over the whole tag, such as v[0-9.]+ or nightly-.*"


class RetentionForm(forms.ModelForm):
    """A rule of retention."""

    pushed_within_seconds = AgeField(label="Keep what was pushed within", help_text="Such as 2w, 30d or 12h.")
    used_within_seconds = AgeField(
        label="Keep what was used within", help_text="Pulled, asked for or pushed since then."
    )

    class Meta:
        model = RetentionRule
        fields = (
            *("name", "repositories", "tags", "keep_newest", "pushed_within_seconds", "used_within_seconds"),
            *("keeps_all", "is_enabled"),
        )
        widgets = {name: forms.TextInput(_PLAIN) for name in ("repositories", "tags")}
        labels = {
            "keep_newest": "Keep the newest",
            "keeps_all": "Keep all of these tags, whatever other rules say",
            "is_enabled": "In force",
        }
        help_texts = {
            "name": "Stands beside each verdict of the rule.",
            "repositories": _GLOB,
            "tags": _TAGS,
            "keep_newest": "So many tags in each repository, by their last push.",
            "keeps_all": "",
        }


class ImmutableForm(forms.ModelForm):
    """A rule of immutable tags."""

    class Meta:
        model = ImmutableRule
        fields = ("name", "repositories", "tags", "except_tags", "is_enabled")
        widgets = {name: forms.TextInput(_PLAIN) for name in ("repositories", "tags", "except_tags")}
        labels = {"except_tags": "Except", "is_enabled": "In force"}
        help_texts = {
            "name": "Whoever is refused is told it.",
            "repositories": _GLOB,
            "tags": _TAGS,
            "except_tags": "Tags that may move nevertheless, such as latest. May be empty.",
        }


class QuotaForm(forms.ModelForm):
    """The quota of a namespace."""

    limit_bytes = SizeField(label="May hold", help_text="Such as 500MB or 50GiB.")

    class Meta:
        model = Quota
        fields = ("namespace", "limit_bytes")
        widgets = {"namespace": forms.TextInput(_PLAIN)}
        help_texts = {"namespace": "team is the repository team and all whose names begin with team/."}


@dataclass(frozen=True, slots=True)
class Kind:
    """What there is to define: `permission` is the part behind `keeping.add_` and the like."""

    form: type[forms.ModelForm]
    title: str
    note: str
    permission: str

    @property
    def model(self) -> Any:
        return self.form._meta.model


KINDS: Mapping[str, Kind] = {
    "rules": Kind(
        RetentionForm,
        "rule of retention",
        "Of the tags that it looks at, those that no rule keeps are deleted. Their images go later, by a collection.",
        "retentionrule",
    ),
    "immutable": Kind(
        ImmutableForm,
        "rule of immutable tags",
        "What matches is pushed once: it never moves to another image, and is not deleted.",
        "immutablerule",
    ),
    "quotas": Kind(
        QuotaForm,
        "quota",
        "The sizes of all blobs in the repositories of a namespace, each once in each repository, stay within it.",
        "quota",
    ),
}

"""The forms by which sources are made and changed."""

from typing import Any

from django import forms

from notifications.receiver.sources import MAX_SECRET_LENGTH
from registryhub.access.models import Source

_PLAIN = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}


class SourceForm(forms.Form):
    """What may change of a source."""

    is_public = forms.BooleanField(
        label="New repositories are public", required=False, help_text="Everybody sees them and their numbers."
    )
    events_per_second = forms.FloatField(
        label="Events a second",
        required=False,
        min_value=0,
        max_value=1e9,
        widget=forms.NumberInput({"placeholder": "no limit", "step": "any"}),
        help_text="More are answered 429, and come again. Ten seconds' worth may come at once.",
    )

    def settings(self) -> dict[str, Any]:
        """Of the valid form, for the verbs of `notifications.receiver.sources`."""
        fields = self.cleaned_data
        return {"is_public": fields["is_public"], "events_per_second": fields["events_per_second"] or 0.0}

    @staticmethod
    def shown(source: Source) -> dict[str, Any]:
        """What stands in the form of a source at first."""
        return {"is_public": source.is_public, "events_per_second": source.events_per_second or None}


class NewSourceForm(SourceForm):
    """A source that is new, and how it proves itself."""

    field_order = ("name", "proof", "secret", "is_public", "events_per_second")

    name = forms.CharField(
        max_length=100,
        widget=forms.TextInput({"placeholder": "registry.example.org", **_PLAIN}),
        help_text="Such as its host name. It stays as it is from then on.",
    )
    proof = forms.ChoiceField(
        label="It proves itself by",
        choices=[("token", "a token that it sends"), ("secret", "signing with a secret")],
        help_text="GitHub, Gitea and senders of Standard Webhooks sign.",
    )
    secret = forms.CharField(
        label="The secret, if it has made one",
        required=False,
        max_length=MAX_SECRET_LENGTH,
        widget=forms.TextInput({"placeholder": "a new one", **_PLAIN}),
        help_text="Only for who signs.",
    )

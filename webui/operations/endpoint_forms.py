"""The form by which endpoints are made and changed: every setting is a field that people understand.

It validates as the REST API does, by the verbs of `notifications.delivery.definitions.changes`.
"""

import re
from collections.abc import Mapping
from typing import Any

from django import forms

from registryhub.config.notifications import DEFAULT_BATCH, MAX_BATCH, MAX_IN_FLIGHT, MAX_NAME_LENGTH
from webui.operations.filter_fields import ACTIONS, FilterFields
from webui.operations.setting_fields import HeadersField, LinesField, SpanField, WholeField
from webui.operations.settings_of import SettingsOf

_PLAIN = {"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}


class EndpointForm(SettingsOf, FilterFields):
    """The settings of an endpoint; its name and its first event only while it is new."""

    SETTINGS = (
        *("url", "headers", "face", "mediatype", "template", "timeout", "threshold", "backoff", "maxbackoff"),
        *("maxattempts", "maxage", "disableafter", "ratelimit", "batchsize", "batchwait", "order", "inflight"),
        *("log", "notices"),
    )
    NESTED = {
        "actions": ("ignore", "actions"),
        "mediatypes": ("ignore", "mediatypes"),
        "capem": ("tls", "capem"),
        "skipverify": ("tls", "skipverify"),
        **FilterFields.FILTER,
    }

    name = forms.CharField(
        max_length=MAX_NAME_LENGTH, widget=forms.TextInput(_PLAIN), help_text="It stays as it is from then on."
    )
    start = forms.ChoiceField(
        label="First event",
        choices=[("head", "the next one"), ("oldest", "the oldest in the log")],
        required=False,
    )
    url = forms.CharField(label="URL", widget=forms.URLInput({"placeholder": "https://ci.example.org/hook", **_PLAIN}))
    headers = HeadersField(
        "Authorization: Bearer …",
        help_text="Name: value, one a line. Values are not shown again; a line of stars stays as it is.",
    )
    face = forms.ChoiceField(
        label="What requests look like",
        required=False,
        choices=[
            ("", "envelopes of Distribution, one event each"),
            ("batch", "envelopes of several events"),
            ("cloudevents", "CloudEvents"),
            ("standard", "Standard Webhooks"),
            ("slack", "messages for Slack"),
        ],
    )
    mediatype = forms.ChoiceField(
        label="Media type of envelopes", required=False, choices=[("", "the newer one"), ("v1", "the older one")]
    )
    template = forms.CharField(
        required=False,
        label="Message for Slack",
        widget=forms.TextInput({"placeholder": "*{action}* of {image} by {actor}", **_PLAIN}),
    )
    actions = forms.MultipleChoiceField(
        label="Do not send", required=False, choices=ACTIONS, widget=forms.CheckboxSelectMultiple
    )
    mediatypes = LinesField(
        "application/octet-stream", label="Nor events of these media types", help_text="One a line."
    )
    timeout = SpanField("1s", label="Time limit of a request")
    threshold = WholeField(10, most=1_000_000, label="Failures in a row before it waits")
    backoff = SpanField("1s", label="The first wait")
    maxbackoff = SpanField("no longer than the first", label="Waits double up to")
    maxattempts = WholeField("never", most=1_000_000, label="Give an event up after so many attempts")
    maxage = SpanField("never", label="Give an event up when it is as old as")
    disableafter = SpanField("never", label="Disable it when nothing got through for")
    ratelimit = forms.CharField(
        required=False,
        label="Requests at most",
        widget=forms.TextInput({"placeholder": "any number", **_PLAIN}),
        help_text="Such as 10/s, 100/m or 1000/h.",
    )
    batchsize = WholeField(f"{DEFAULT_BATCH} in envelopes of several", most=MAX_BATCH, label="Events a request at most")
    batchwait = SpanField("not at all", label="An event waits for others")
    order = forms.ChoiceField(
        required=False,
        label="Order",
        choices=[("", "of all events"), ("repository", "within each repository"), ("none", "any")],
    )
    inflight = WholeField(1, most=MAX_IN_FLIGHT, label="Requests under way at a time")
    log = forms.ChoiceField(
        required=False,
        label="Successes in the delivery log",
        choices=[("", "one a second"), ("all", "all"), ("failures", "only how many")],
    )
    notices = forms.BooleanField(required=False, label="Gets messages about other endpoints")
    capem = forms.CharField(
        required=False,
        label="Authorities to trust, instead of the system's",
        widget=forms.Textarea({"rows": 3, "placeholder": "-----BEGIN CERTIFICATE-----", **_PLAIN}),
    )
    skipverify = forms.BooleanField(required=False, label="Believe any certificate")

    def __init__(self, data: Any, *, settings: Mapping[str, Any], is_new: bool) -> None:
        super().__init__(data)
        self.show(settings)
        if not is_new:
            del self.fields["name"], self.fields["start"]

    def changes(self) -> dict[str, Any]:
        """The settings of the form, null where there is none: so it takes away what was cleared."""
        keys = (*self.SETTINGS, *(outer for outer, _ in self.NESTED.values()))
        return {**dict.fromkeys(keys), **self.filled()}

    def refuse(self, problems: Mapping[str, str]) -> None:
        """Each problem stands beside its field; of headers it names the one that it is about."""
        for key, problem in problems.items():
            dotted = re.sub(r"\[(\d+)\]", r".\1", key)
            name = re.fullmatch(r"headers\.([^.]+)(\.\d+)?", dotted)
            if name:
                self.add_error("headers", f"{name[1]} {problem}")
            else:
                self.place(dotted, problem)

"""Which part of the log is to be sent once more, and to whom."""

from typing import Any

from django import forms

from notifications.delivery.models import Endpoint, Resend
from notifications.delivery.sending.ranges import numbers_between
from webui.operations.event_filter import MomentInput

_MAX_SEQ = 2**63 - 1


class RangeForm(forms.Form):
    """Numbers or times; without either all of the log. `to` is empty for the endpoint itself."""

    first = forms.IntegerField(required=False, min_value=1, max_value=_MAX_SEQ, label="From number")
    last = forms.IntegerField(required=False, min_value=1, max_value=_MAX_SEQ, label="To number")
    since = forms.DateTimeField(required=False, label="Or from (UTC)", widget=MomentInput)
    until = forms.DateTimeField(required=False, label="Until (UTC)", widget=MomentInput)
    which = forms.ChoiceField(choices=Resend.Which.choices, label="Which")
    to = forms.ChoiceField(required=False, label="To")

    def __init__(self, data: Any, *, endpoint: Endpoint) -> None:
        super().__init__(data, auto_id="resend-%s")
        others = Endpoint.objects.filter(is_absent=False).exclude(pk=endpoint.pk).order_by("name")
        self._others = {str(pk): name for pk, name in others.values_list("pk", "name")}
        choices = [("", f"{endpoint.name} itself"), *self._others.items()]
        self.fields["to"] = forms.ChoiceField(required=False, choices=choices, label="To")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if (found.get("first") or found.get("last")) and (found.get("since") or found.get("until")):
            raise forms.ValidationError("Write numbers or times, not both.")
        return found

    def receiver(self) -> Endpoint | None:
        """None for the endpoint itself, and for what is none."""
        chosen = self.data.get("to", "")
        return Endpoint.objects.get(pk=chosen) if chosen in self._others else None

    def wanted(self) -> dict[str, Any]:
        """What to ask for. Only of a valid form."""
        data = self.cleaned_data
        first, last = numbers_between(data["since"], data["until"])
        return {
            "first": data["first"] or first,
            "last": data["last"] or last,
            "which": data["which"],
            "to": self.receiver(),
        }

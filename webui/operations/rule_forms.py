"""The rules of a service as rows of a form: the rows that were sent are all its rules."""

from typing import Any

from django import forms

from deployer.models import Rule, Service
from registryhub.access.models import HUB_SOURCE_ID, Source

_PLAIN = {"autocapitalize": "none", "spellcheck": "false"}
_FIELDS = ("repository", "tag_pattern", "source", "actor", "is_enabled")


class RuleForm(forms.ModelForm):
    """Which pushes are deployed."""

    class Meta:
        model = Rule
        fields = _FIELDS
        widgets = {
            "repository": forms.TextInput({"placeholder": "team/app", **_PLAIN}),
            "tag_pattern": forms.TextInput(_PLAIN),
            "actor": forms.TextInput({"placeholder": "anybody", **_PLAIN}),
        }
        labels = {"tag_pattern": "Tags", "actor": "Pushed by", "is_enabled": "On"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source = self.fields["source"]
        assert isinstance(source, forms.ModelChoiceField)
        source.queryset = Source.objects.exclude(pk=HUB_SOURCE_ID).order_by("name")
        source.empty_label = "this hub"
        for field in self.fields.values():
            field.help_text = ""


RuleForms = forms.formset_factory(
    RuleForm, extra=2, can_delete=True, can_delete_extra=False, max_num=100, absolute_max=200
)


def rule_forms(data: Any, service: Service) -> Any:
    """A row for each rule there is, and empty ones for more."""
    rules = service.rules.order_by("id").values(*_FIELDS) if service.pk else []
    return RuleForms(data, initial=list(rules), prefix="rules")


def read_rules(rows: Any) -> list[Rule] | None:
    """What valid rows say; None when nothing was changed."""
    if not rows.has_changed():
        return None
    return [row.instance for row in rows if row.cleaned_data and not row.cleaned_data.get("DELETE")]

"""The form that defines services: settings as JSON, the environment as lines that are not shown again."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from deployer.definitions import Definition, check, environment_names
from deployer.models import Service
from deployer.specs import BadSettings


class ServiceForm(forms.ModelForm):
    """Validates as the REST API does, by the same verbs."""

    environment = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off"}),
        help_text="One NAME=value a line, for a container. What is written here replaces all of it; empty: it stays.",
    )

    class Meta:
        model = Service
        fields = ("name", "kind", "is_paused", "debounce_seconds", "settings")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in {"name", "kind"} & self.fields.keys():
            self.fields[name].disabled = bool(self.instance.pk)
        if self.instance.pk and (names := environment_names(self.instance)):
            self.fields["environment"].help_text += f" Set now: {', '.join(names)}."

    def clean_environment(self) -> dict[str, str] | None:
        lines = [line for line in self.cleaned_data["environment"].splitlines() if line.strip()]
        if any("=" not in line for line in lines):
            raise ValidationError("Write NAME=value on each line.")
        pairs = (line.partition("=") for line in lines)
        return {name.strip(): value for name, _, value in pairs} if lines else None

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if self.errors:
            return data
        try:
            check(self.definition())
        except BadSettings as error:
            for key, problem in error.problems.items():
                self.place(key, problem)
        return data

    def place(self, key: str, problem: str) -> None:
        """Put a problem beside the field it is about."""
        self.add_error(key if key == "environment" else "settings", f"{key}: {problem}")

    def definition(self) -> Definition:
        """What the cleaned form says. The rules are a table of their own."""
        data = self.cleaned_data
        return Definition(
            name=data["name"],
            kind=Service.Kind(data["kind"]),
            settings=data["settings"] or {},
            environment=data.get("environment"),
            is_paused=data["is_paused"],
            debounce_seconds=data["debounce_seconds"],
        )

"""The forms by which superusers define services: every setting is a field that people understand.

They validate by the same verbs as the REST API and the admin (`deployer.definitions`), and put each problem beside
the field it is about.
"""

from collections.abc import Mapping
from typing import Any

from django import forms

from deployer.definitions import Definition
from deployer.forms import ServiceForm
from deployer.models import Service
from webui.operations.setting_fields import (
    CommandField,
    HealthCommandField,
    LinesField,
    PairsField,
    SecondsField,
    WholeField,
)
from webui.operations.settings_of import SettingsOf

_PLAIN = {"autocapitalize": "none", "spellcheck": "false"}


class SettingsForm(SettingsOf, ServiceForm):
    """What both kinds of services share."""

    KIND: Service.Kind

    class Meta(ServiceForm.Meta):
        fields = ("name", "debounce_seconds")  # type: ignore[assignment]
        widgets = {"name": forms.TextInput(_PLAIN)}
        labels = {"debounce_seconds": "Seconds a push waits for a newer one"}
        help_texts = {"name": "Lower-case letters, digits and dashes.", "debounce_seconds": ""}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.show(self.instance.settings if self.instance.pk else {})

    def definition(self) -> Definition:
        """What the cleaned form says; whether the service is paused is no matter of the form."""
        data = self.cleaned_data
        return Definition(
            name=data["name"],
            kind=self.KIND,
            settings=self.filled(),
            environment=data.get("environment"),
            is_paused=self.instance.is_paused,
            debounce_seconds=data["debounce_seconds"],
        )


class ContainerForm(SettingsForm):
    """A container on the Docker engine."""

    KIND = Service.Kind.CONTAINER
    SETTINGS = (
        *("ports", "mounts", "networks", "command", "user", "hostname", "labels", "restart"),
        *("order", "running_seconds", "healthy_seconds", "stop_seconds"),
    )
    NESTED = {
        "health_command": ("health", "command"),
        "health_interval": ("health", "interval_seconds"),
        "health_timeout": ("health", "timeout_seconds"),
        "health_retries": ("health", "retries"),
        "health_start": ("health", "start_seconds"),
    }

    ports = LinesField(
        "8080:80\n127.0.0.1:5432:5432",
        help_text="HOST:CONTAINER, one a line; on loopback unless an address stands before it.",
    )
    mounts = LinesField(
        "data:/var/lib/app\n/srv/app:/etc/app:ro",
        help_text="VOLUME:/path or /folder:/path, one a line, with :ro behind it to forbid writing.",
    )
    networks = LinesField("backend", rows=2, help_text="Of the engine, one a line. None: its default.")
    command = CommandField(help_text="Instead of that of the image.")
    user = forms.CharField(required=False, widget=forms.TextInput({"placeholder": "1000:1000", **_PLAIN}))
    hostname = forms.CharField(required=False, label="Host name", widget=forms.TextInput(_PLAIN))
    labels = PairsField("=", "team=platform", help_text="NAME=value, one a line.")
    restart = forms.ChoiceField(
        required=False,
        choices=[
            ("", "unless it was stopped"),
            ("always", "always"),
            ("on-failure", "when it failed"),
            ("no", "never"),
        ],
    )
    health_command = HealthCommandField(
        label="Command", help_text="Ends with 0 while the service is well. Empty: that of the image."
    )
    health_interval = SecondsField(2, label="Every")
    health_timeout = SecondsField(5, label="Time limit")
    health_retries = WholeField(3, label="Failures in a row")
    health_start = SecondsField(0, label="Failures do not count for the first")
    order = forms.ChoiceField(
        required=False,
        label="Order",
        choices=[("", "the old one stops first"), ("start-first", "the new one starts first")],
        help_text="The new one first needs no port of the host.",
    )
    healthy_seconds = SecondsField(120, label="Must be healthy within")
    running_seconds = SecondsField(5, label="Without a health check: must run for")
    stop_seconds = SecondsField(10, label="Time to stop")


class CallForm(SettingsForm):
    """A signed HTTP call."""

    KIND = Service.Kind.CALL
    SETTINGS = ("url", "headers", "timeout_seconds")

    environment = None  # type: ignore[assignment]  # this is how Django takes a field away
    url = forms.CharField(label="URL", widget=forms.URLInput({"placeholder": "https://deploy.example.org/hook"}))
    headers = PairsField(
        ":", "Authorization: Bearer …", help_text="Name: value, one a line; not shown again. Empty: they stay."
    )
    timeout_seconds = SecondsField(30, label="Time limit")


FORMS: Mapping[str, type[SettingsForm]] = {form.KIND: form for form in (ContainerForm, CallForm)}

"""Defining services: what comes in is checked against the specs and the configuration before it becomes rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings as django_settings
from django.db import transaction

from deployer.history import NotPossible
from deployer.models import Deployment, Rule, Service
from deployer.requests import lock
from deployer.specs import BadSettings, read_call, read_container, read_environment
from notifications.signing import make_secret
from registryhub.access.sealing import Seal, Unsealable

SEAL = Seal("deployer")

_DEFINED = ("name", "kind", "settings", "is_paused", "debounce_seconds", "sealed")
"""What a definition says; a worker writes the lease and the current deployment of the same row meanwhile."""


MAX_DEBOUNCE_SECONDS = 86_400
HEADERS = "headers"
"""A setting of calls that is kept with the secrets: the headers of a request may hold a password."""


@dataclass(slots=True)
class Definition:
    """What a service is to be. `environment` and `rules` of None leave those of a service that exists as they are, and
    so do settings of a call without `headers`.
    """

    name: str
    kind: Service.Kind = Service.Kind.CONTAINER
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] | None = None
    is_paused: bool = False
    debounce_seconds: float = 2.0
    rules: Sequence[Rule] | None = None


def check(definition: Definition) -> None:
    """Raises BadSettings."""
    if not 0 <= definition.debounce_seconds <= MAX_DEBOUNCE_SECONDS:
        raise BadSettings({"debounce_seconds": f"must be from 0 to {MAX_DEBOUNCE_SECONDS} seconds"})
    if definition.kind == Service.Kind.CALL:
        read_call(definition.settings)
    else:
        read_container(definition.settings, django_settings.HUB.hub.deployer)
        read_environment(definition.environment or {})


def define(service: Service, definition: Definition) -> str:
    """Make or change a service and save it; the key of a new signed call, which is shown this once, else "".

    Raises BadSettings and Unsealable. What runs already is left alone until the next deployment.
    """
    check(definition)
    _check_unchanged(service, definition)
    secrets = SEAL.unseal(service.sealed) if service.pk else {}
    shown = _update_secrets(secrets, definition)
    with transaction.atomic():
        service.name, service.kind = definition.name, definition.kind
        service.settings = {key: value for key, value in definition.settings.items() if key != HEADERS}
        service.is_paused, service.debounce_seconds = definition.is_paused, definition.debounce_seconds
        service.sealed = SEAL.seal(secrets)
        service.save(update_fields=_DEFINED if service.pk else None)
        if definition.rules is not None:
            service.rules.all().delete()
            for rule in definition.rules:
                rule.service = service
            Rule.objects.bulk_create(definition.rules)
    return shown


def _check_unchanged(service: Service, definition: Definition) -> None:
    """Name and kind are what a container is found by: under another name the old one would run on beside the new."""
    stored = Service.objects.filter(pk=service.pk).first() if service.pk else None
    for key in ("name", "kind"):
        if stored is not None and getattr(stored, key) != getattr(definition, key):
            raise BadSettings({key: "cannot be changed; define another service and delete this one"})


def rotate_key(service: Service) -> str:
    """Give a signed call a new key, and return it. Raises NotPossible for a container."""
    if service.kind != Service.Kind.CALL:
        raise NotPossible("only a signed HTTP call has a key")
    key = make_secret()
    service.sealed = SEAL.seal({**_unsealed(service), "key": key})
    service.save(update_fields=["sealed"])
    return key


def delete(service: Service) -> None:
    """Forget the service with its history; its container goes on running. Raises NotPossible during a deployment."""
    with transaction.atomic():
        if lock(service.pk).deployments.filter(state__in=Deployment.UNDER_WAY).exists():
            raise NotPossible("a deployment is under way; delete the service when it is over")
        service.delete()


def environment_names(service: Service) -> list[str]:
    """The names of the variables; their values are not shown again."""
    return sorted(_unsealed(service).get("environment", {}))


def header_names(service: Service) -> list[str]:
    """The names of the headers of a call; their values are not shown again."""
    return sorted(_unsealed(service).get(HEADERS, {}))


def _unsealed(service: Service) -> dict[str, Any]:
    """The secrets; nothing when they cannot be read any more."""
    try:
        return SEAL.unseal(service.sealed)
    except Unsealable:
        return {}


def _update_secrets(secrets: dict[str, Any], definition: Definition) -> str:
    """Change them in place; what is new and shown once is returned."""
    if definition.kind == Service.Kind.CALL:
        secrets.pop("environment", None)
        if HEADERS in definition.settings:
            secrets[HEADERS] = definition.settings[HEADERS]
        if "key" not in secrets:
            secrets["key"] = make_secret()
            return str(secrets["key"])
        return ""
    secrets.pop("key", None)
    secrets.pop(HEADERS, None)
    if definition.environment is not None:
        secrets["environment"] = read_environment(definition.environment)
    return ""

"""A believable hub that is asked in-process, by an administrator, an ordinary user and the anonymous."""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Literal

import pytest
import schemathesis
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from pytest_django import Settings
from schemathesis.schemas import BaseSchema

from notifications.delivery.definitions.changes import change_endpoint, create_endpoint
from notifications.delivery.models import Endpoint
from registryhub.access.models import Repository
from registryhub.access.tokens import create_api_token
from registryhub.doctor import checkups
from registryhub.registry.collect.plan import new_collection
from registryhub.wsgi import build_application
from tests.believable.fill import fill
from tests.notifications.delivery.definitions.test_typed import allow
from tests.notifications.delivery.stage import configure, configured
from tests.openapi.known import known_values
from tests.registry.stage import changed
from tests.rest import Rest

Who = Literal["administrator", "user", "anonymous"]

SCHEMA = "/api/v1/schema?format=json"
ENDLESS = "/api/v1/events/stream"
"""Its answer ends after a minute, and waits for events that nobody sends here: tests/notifications/log asks for it."""

_SEED = 7


@dataclass(frozen=True, slots=True)
class Ground:
    """`headers` tell who asks; `repositories` are names for paths, where the generator itself writes no slash."""

    schema: BaseSchema
    headers: Mapping[Who, Mapping[str, str]]
    repositories: tuple[str, ...]


def make_ground(wrapper: Settings, patch: pytest.MonkeyPatch, receiver: str) -> Ground:
    """Everything that can be done may be done; who is called is the receiver on this machine."""
    wrapper.HUB = changed(settings.HUB, storage__delete__enabled=True)
    fill(Random(_SEED))
    new_collection(is_dry_run=True, deletes_untagged=False, grace_seconds=0.0).save()
    _call_only(receiver, wrapper)
    _stay_in_one_transaction(patch)
    people = User.objects.create_superuser("root"), User.objects.create_user("eve")
    headers = [{"Authorization": f"Bearer {create_api_token(person)}"} for person in people]
    return Ground(
        _load_schema(Rest(people[0])),
        {"administrator": headers[0], "user": headers[1], "anonymous": {}},
        tuple(Repository.objects.order_by("name").values_list("name", flat=True)[:2]),
    )


def _call_only(receiver: str, wrapper: Settings) -> None:
    """Whichever endpoint is called, configured or typed in."""
    configure(wrapper, *(configured(name, receiver) for name in ("ci-trigger", "audit-lake", "chat-bridge")))
    allow(wrapper, "127.0.0.0/8")
    typed = Endpoint.objects.get(name="release-notes")
    change_endpoint(typed, {"url": receiver, "headers": {"Authorization": ["Bearer 4f1c"]}})
    create_endpoint({"name": "typed-in", "url": receiver})
    create_endpoint({"name": "typed-in-too", "url": receiver})


def _stay_in_one_transaction(patch: pytest.MonkeyPatch) -> None:
    """Each request is undone, so none may be committed or lose its connection, and no thread may wait for one."""
    patch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)
    patch.setattr(checkups, "_carry_out", lambda checkup: None)


def _load_schema(rest: Rest) -> BaseSchema:
    app = build_application()
    paths = schemathesis.openapi.from_wsgi(SCHEMA, app).raw_schema["paths"]
    generation = {"with-security-parameters": False}
    config = schemathesis.Config.from_dict({"seed": _SEED, "generation": generation, **known_values(rest, paths)})
    return schemathesis.openapi.from_wsgi(SCHEMA, app, config=config).exclude(path=ENDLESS)

"""The settings of an endpoint that is made in the user interface or the REST API.

They are the document that `config.yml` would hold, read by the same section, and stand encrypted in the endpoint's
row. What is more here: some keys are refused, since whoever may type a URL need not be whom the server obeys.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from pydantic import ValidationError

from notifications.delivery.outgoing.guard import literal_address, only_outside
from registryhub.access.sealing import Seal
from registryhub.config.addresses import SecretUrl
from registryhub.config.errors import KeyPath, join_key
from registryhub.config.notifications import ACTIONS
from registryhub.config.notifications import Endpoint as Configured
from registryhub.config.validate import explain

MASK = "**********"
"""Stands where a value is not shown; sent back it means that the value stays."""
Document = Mapping[str, Any]

_SEAL = Seal("endpoint")
_SECTION: KeyPath = ("notifications", "endpoints", 0)
_DURATIONS = frozenset(
    field.alias or name for name, field in Configured.model_fields.items() if name.endswith("_seconds")
)
_FILES = ("ca", "certificate", "key")


class BadEndpoint(ValueError):
    """The settings cannot be used; `problems` maps a key to what is wrong with it and the mend."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {problem}" for key, problem in problems.items()))
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """What signs; an old one until `expires_at` only."""

    text: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Typed:
    """`document` has no name and no secrets; the newest of `secrets` is the first."""

    document: Document
    secrets: Sequence[Secret] = ()

    @property
    def next_expiry(self) -> datetime | None:
        """When the first old secret goes."""
        return min((secret.expires_at for secret in self.secrets if secret.expires_at), default=None)

    def seal(self) -> str:
        secrets = [
            [secret.text, secret.expires_at.timestamp() if secret.expires_at else None] for secret in self.secrets
        ]
        return _SEAL.seal({"document": self.document, "secrets": secrets})


def unseal(sealed: str) -> Typed:
    """What a row holds. Raises Unsealable."""
    found = _SEAL.unseal(sealed)
    secrets = [
        Secret(text, None if expires_at is None else datetime.fromtimestamp(expires_at, UTC))
        for text, expires_at in found.get("secrets", ())
    ]
    return Typed(found.get("document", {}), secrets)


def read_settings(name: str, typed: Typed) -> Configured:
    """The settings by which it is run. Raises BadEndpoint with every problem."""
    problems = _refusals(typed.document)
    secrets = [secret.text for secret in typed.secrets]
    try:
        configured = Configured.model_validate({"secrets": secrets, **typed.document, "name": name})
    except ValidationError as error:
        for details in error.errors(include_url=False):
            path = tuple(part for part in details["loc"] if part != "[key]")
            problems.setdefault(join_key(path), explain(details, (*_SECTION, *path)))
        raise BadEndpoint(problems) from None
    problems |= _inner_address(configured) | _unknown_actions(configured)
    if problems:
        raise BadEndpoint(problems)
    return configured


def show(document: Document) -> dict[str, Any]:
    """The document without the values of headers and the password of the URL."""
    shown = {**document, "url": str(SecretUrl(document["url"]))} if "url" in document else dict(document)
    if headers := document.get("headers"):
        shown["headers"] = {name: [MASK] * len(values) for name, values in headers.items()}
    return shown


def change(document: Document, changes: Document) -> dict[str, Any]:
    """The document with other values for the keys that are named; null takes a key away.

    What is masked stays, unless the URL leads to another server: whoever may change the URL must not be able to have
    values sent there that they cannot see. Raises BadEndpoint.
    """
    changed = {key: value for key, value in {**document, **changes}.items() if value is not None}
    shown = show(document)
    if "url" in shown and changed.get("url") == shown["url"]:
        changed["url"] = document["url"]
    elif isinstance(changed.get("url"), str) and MASK in changed["url"]:
        raise BadEndpoint({"url": "holds a part that is not shown; write it out"})
    if isinstance(changed.get("headers"), Mapping):
        moves = "url" in document and _server(document["url"]) != _server(changed.get("url"))
        is_given = "headers" in changes
        changed["headers"] = _unmask(document.get("headers", {}), changed["headers"], moves=moves, is_given=is_given)
    return changed


def _unmask(known: Document, headers: Document, *, moves: bool, is_given: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in headers.items():
        values = [value] if isinstance(value, str) else value
        if isinstance(values, list) and (MASK in values or not is_given):
            if moves:
                raise BadEndpoint({"headers": f"{name} was written for another server; write its value again"})
            if MASK in values and len(known.get(name, ())) != len(values):
                raise BadEndpoint({"headers": f"{name} has no value that could stay; write one"})
            values = [known[name][place] if each == MASK else each for place, each in enumerate(values)]
        found[name] = values
    return found


def _server(url: object) -> object:
    """Scheme, host and port; what is no URL is refused elsewhere."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        return parts.scheme, parts.hostname, parts.port
    except ValueError:
        return None


def _refusals(document: Document) -> dict[str, str]:
    """What `config.yml` may say and this may not."""
    problems = {key: "holds a character that cannot be stored" for key in document if not _is_storable(document[key])}
    problems |= {
        key: "needs a unit, such as 10s"
        for key in _DURATIONS & document.keys()
        if isinstance(document[key], int | float)
    }
    if "proxy" in document:
        problems["proxy"] = "hides which address is dialled; only endpoints of config.yml have one"
    tls = document.get("tls")
    files = [key for key in _FILES if key in tls] if isinstance(tls, Mapping) else []
    problems |= {f"tls.{key}": "names a file of the server; only endpoints of config.yml may do that" for key in files}
    return problems


def _is_storable(value: object) -> bool:
    """Neither database takes half a character, and PostgreSQL no zero byte."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\\u0000" not in text


def _inner_address(configured: Configured) -> dict[str, str]:
    """An address within that stands in the URL itself; where a name leads is seen when it is dialled."""
    host = urlsplit(configured.url.get_secret_value()).hostname or ""
    address = literal_address(host)
    if address is None or only_outside(settings.HUB.hub.outgoing.allow)(address):
        return {}
    return {"url": f"leads to {address}, an address within; an administrator allows it with hub.outgoing.allow"}


def _unknown_actions(configured: Configured) -> dict[str, str]:
    unknown = sorted(configured.ignored_actions - set(ACTIONS))
    if not unknown:
        return {}
    return {"ignore.actions": f"no event has the action {unknown[0]!r}; there are {', '.join(ACTIONS)}"}

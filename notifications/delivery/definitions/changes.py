"""Making, changing and deleting endpoints, and replacing their secrets. Those of `config.yml` are left alone.

Each change of settings raises the revision, by which a sender that runs, in whatever process, sees that it must stop;
the relay starts it again with what is new.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from notifications.delivery.definitions.rows import assign, columns_of
from notifications.delivery.definitions.typed import BadEndpoint, Document, Secret, Typed, change, read_settings, unseal
from notifications.delivery.models import Endpoint
from notifications.log.places import make_place, remove_place
from notifications.signing import make_secret
from registryhub.access.sealing import Unsealable

MOST_SECRETS = 10
OVERLAP_SECONDS = 86_400.0
MAX_OVERLAP_SECONDS = 90 * 86_400.0
Start = Literal["head", "oldest"]
"""The first event that a new endpoint gets: the next one, or the oldest in the log."""


class Configured(Exception):
    """The endpoint is one of `config.yml`; the text says what to do there."""


def create_endpoint(document: Document, *, start: Start = "head") -> tuple[Endpoint, str]:
    """Make an endpoint; its secret, which is shown this once, comes with it. Raises BadEndpoint."""
    name, given, rest = _split(document)
    if name.startswith("-/"):
        raise BadEndpoint({"name": "begins with -/, where other pages are; choose another"})
    if any(endpoint.name == name for endpoint in settings.HUB.notifications.endpoints):
        raise BadEndpoint({"name": "is that of an endpoint of config.yml; choose another"})
    typed = Typed(change({}, rest), given or [Secret(make_secret())])
    row = Endpoint(name=name, origin=Endpoint.Origin.UI)
    _assign(row, typed)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            remove_place(row.consumer_name)
            make_place(row.consumer_name, start_at_head=start == "head")
    except IntegrityError:
        raise BadEndpoint({"name": _taken(name)}) from None
    return row, typed.secrets[0].text


def change_endpoint(endpoint: Endpoint, changes: Document) -> str:
    """Change the settings that are named; the others stay. Raises BadEndpoint and Configured.

    The answer is "", or a new secret to be shown this once: where the old ones cannot be read any more, all settings
    are to be given again.
    """
    if changes.get("name", endpoint.name) != endpoint.name:
        raise BadEndpoint({"name": "cannot be changed; make another endpoint and delete this one"})
    if "secrets" in changes:
        raise BadEndpoint({"secrets": "are replaced by rotate-secret, which lets both sign for a while"})
    rest = {key: value for key, value in changes.items() if key != "name"}
    with transaction.atomic():
        row = _lock(endpoint, "change it there")
        secret = ""
        try:
            known = unseal(row.sealed)
        except Unsealable:
            secret = make_secret()
            known = Typed({}, [Secret(secret)])
        _save(endpoint, row, Typed(change(known.document, rest), known.secrets))
    return secret


def delete_endpoint(endpoint: Endpoint) -> None:
    """Forget it with its history and its place in the log; a sender that runs stops. Raises Configured."""
    with transaction.atomic():
        remove_place(endpoint.consumer_name)  # first, as its holder does: else each would wait for the other
        row = endpoint if endpoint.is_absent else _lock(endpoint, "take it out there")
        row.delete()


def rotate_secret(endpoint: Endpoint, *, overlap_seconds: float = OVERLAP_SECONDS) -> str:
    """A new secret, which is shown this once. The old ones sign beside it for so long, the newest of them at most.

    Raises BadEndpoint, Configured and Unsealable.
    """
    if not 0 <= overlap_seconds <= MAX_OVERLAP_SECONDS:
        raise BadEndpoint({"overlap": f"must be from 0 to {MAX_OVERLAP_SECONDS / 86_400:.0f} days"})
    now = timezone.now()
    end = now + timedelta(seconds=overlap_seconds)
    with transaction.atomic():
        row = _lock(endpoint, "list two secrets there, the new one first")
        known = unseal(row.sealed)
        old = [Secret(secret.text, min(secret.expires_at or end, end)) for secret in known.secrets]
        new = Secret(make_secret())
        _save(endpoint, row, Typed(known.document, [new, *_valid(old)][:MOST_SECRETS]))
    return new.text


def drop_expired(endpoint: Endpoint) -> None:
    """Let old secrets go whose time is over. Of two relays that come at once one finds nothing left to do."""
    with transaction.atomic():
        due = Endpoint.objects.select_for_update().filter(pk=endpoint.pk, secret_expires_at__lte=timezone.now())
        for row in due:
            try:
                known = unseal(row.sealed)
            except Unsealable:
                due.update(secret_expires_at=None)
                continue
            left = Typed(known.document, _valid(known.secrets))
            due.update(sealed=left.seal(), secret_expires_at=left.next_expiry, revision=row.revision + 1)


def _valid(secrets: Sequence[Secret]) -> list[Secret]:
    now = timezone.now()
    return [secret for secret in secrets if secret.expires_at is None or secret.expires_at > now]


def _split(document: Document) -> tuple[str, list[Secret], dict[str, Any]]:
    """Name, secrets, and the rest."""
    rest = dict(document)
    name, secrets = rest.pop("name", None), rest.pop("secrets", None) or []
    if not isinstance(name, str):
        raise BadEndpoint({"name": "is missing; write it"})
    if not isinstance(secrets, list) or not all(isinstance(secret, str) for secret in secrets):
        raise BadEndpoint({"secrets": "must be a list of texts"})
    if len(secrets) > MOST_SECRETS:
        raise BadEndpoint({"secrets": f"are more than {MOST_SECRETS}"})
    return name, [Secret(secret) for secret in secrets], rest


def _taken(name: str) -> str:
    row = Endpoint.objects.filter(name=name).first()
    if row is not None and row.is_absent:
        return "is that of an endpoint that was in config.yml; delete that one first, or choose another name"
    return "is that of another endpoint; choose another"


def _lock(endpoint: Endpoint, mend: str) -> Endpoint:
    """Raises Configured, and Endpoint.DoesNotExist when somebody was quicker to delete it."""
    row = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
    if row.is_configured:
        raise Configured(f"{row.name} is an endpoint of config.yml; {mend}")
    return row


def _save(endpoint: Endpoint, row: Endpoint, typed: Typed) -> None:
    """Only what a change of settings changes: the sender writes its columns of the same row meanwhile."""
    _assign(row, typed)
    row.revision += 1
    row.save(update_fields=(*_COLUMNS, "revision"))
    for name in (*_COLUMNS, "revision"):
        setattr(endpoint, name, getattr(row, name))


def _assign(row: Endpoint, typed: Typed) -> None:
    """Raises BadEndpoint."""
    columns = columns_of(read_settings(row.name, typed))
    assign(row, {**columns, "sealed": typed.seal(), "secret_expires_at": typed.next_expiry})


_COLUMNS = (
    *("sealed", "secret_expires_at", "url", "rate_limit_per_second", "face", "batch_size", "header_names"),
    *("timeout_seconds", "threshold", "backoff_seconds", "max_backoff_seconds", "max_attempts", "max_age_seconds"),
    *("disable_after_seconds", "ignored_media_types", "ignored_actions", "filter", "takes_notices", "is_disabled"),
)

"""Making sources, changing and deleting them, and giving them new tokens and secrets."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from notifications.log.models import Event, Intake, SourceTally
from notifications.signing import make_secret
from registryhub.access.models import SOURCE_NAME, Source
from registryhub.access.source_secrets import keep_secret
from registryhub.access.tokens import create_source_token

MAX_GRACE_SECONDS = 30 * 24 * 3600
MIN_SECRET_LENGTH = 16
MAX_SECRET_LENGTH = 200

_SECRET = re.compile(rf"[!-~]{{{MIN_SECRET_LENGTH},{MAX_SECRET_LENGTH}}}")


class SourceRefused(ValueError):
    """The source cannot be made, changed or deleted so; the text says what to do instead."""


def add_source(name: str, *, is_public: bool = False, events_per_second: float = 0.0) -> tuple[Source, str]:
    """A new source and its first token, which is not kept. Raises SourceRefused."""
    return _add(name, create_source_token, is_public=is_public, events_per_second=events_per_second)


def add_signing_source(
    name: str, *, secret: str = "", is_public: bool = False, events_per_second: float = 0.0
) -> tuple[Source, str]:
    """A new source that signs, and its secret: a new one, unless its sender has made one. Raises SourceRefused."""
    text = _choose_secret(secret)
    return _add(name, _keeper(text), is_public=is_public, events_per_second=events_per_second)


def rotate_token(source: Source, *, grace_seconds: int = 0) -> str:
    """A new token; the others of the source end now, or after the grace.

    A registry reads its endpoints at start only, and a restart loses what waits in its memory: the grace lets the old
    token go on until the new one is in place. Raises SourceRefused.
    """
    _check_rotation(source, grace_seconds)
    with transaction.atomic():
        _end(source.tokens, grace_seconds)
        return create_source_token(source)


def rotate_secret(source: Source, *, grace_seconds: int = 0, secret: str = "") -> str:
    """A new secret to sign with, or the one that the sender has made; the others end as tokens do.

    Raises SourceRefused.
    """
    _check_rotation(source, grace_seconds)
    text = _choose_secret(secret)
    with transaction.atomic():
        _end(source.secrets, grace_seconds)
        return _keeper(text)(source)


def change_source(source: Source, **changes: Any) -> None:
    """Enable or disable it, make its new repositories public or private, limit its pace; it keeps its name."""
    with transaction.atomic():
        Source.objects.filter(pk=source.pk).update(**changes)


def delete_source(source: Source) -> None:
    """Forget a source that has sent nothing which counts. Raises SourceRefused.

    An envelope that comes in meanwhile waits for our lock and finds no source; what came in before is seen in one of
    the places through which it goes, looked at in that order.
    """
    if source.is_hub:
        raise SourceRefused("This is the hub itself.")
    with transaction.atomic():
        locked = Source.objects.select_for_update().filter(pk=source.pk).first()
        if locked is None:
            return
        kept = _find_kept(source)
        if kept:
            raise SourceRefused(f"{source.name} has {kept}, which would be lost; disable it instead.")
        try:
            locked.delete()
        except ProtectedError as error:
            raise SourceRefused(f"{source.name} is still needed elsewhere; disable it instead.") from error


def _find_kept(source: Source) -> str:
    if Intake.objects.filter(source=source).exists():
        return "events that are coming in"
    if SourceTally.objects.filter(source=source, events__gt=0).exists() or Event.objects.filter(source=source).exists():
        return "events in the log"
    return "repositories" if source.repositories.exists() else ""


def _add(name: str, prove: Callable[[Source], str], **fields: Any) -> tuple[Source, str]:
    if not re.fullmatch(SOURCE_NAME, name):
        raise SourceRefused(
            f"{name!r} is no name for a source: 1 to 100 letters, digits, dots, colons, hyphens and underscores, "
            "beginning with a letter or digit, such as registry.example.org:5000, and not `stream`."
        )
    try:
        with transaction.atomic():
            source = Source.objects.create(name=name, **fields)
            return source, prove(source)
    except IntegrityError as error:
        raise SourceRefused(f"There is a source {name!r} already; rotate its token to get a new one.") from error


def _keeper(text: str) -> Callable[[Source], str]:
    def keep(source: Source) -> str:
        keep_secret(source, text)
        return text

    return keep


def _choose_secret(given: str) -> str:
    if not given:
        return make_secret()
    if not _SECRET.fullmatch(given):
        raise SourceRefused(
            f"A secret has {MIN_SECRET_LENGTH} to {MAX_SECRET_LENGTH} letters, digits and signs, and no spaces."
        )
    return given


def _check_rotation(source: Source, grace_seconds: int) -> None:
    if source.is_hub:
        raise SourceRefused("The hub's own events need no token, and none is accepted for them.")
    if not 0 <= grace_seconds <= MAX_GRACE_SECONDS:
        raise SourceRefused(f"The grace must be 0 to {MAX_GRACE_SECONDS} seconds.")


def _end(proofs: Any, grace_seconds: int) -> None:
    """Now, or after the grace; what ends sooner anyway still does."""
    if grace_seconds:
        until = timezone.now() + timedelta(seconds=grace_seconds)
        proofs.exclude(expires_at__lt=until).update(expires_at=until)
    else:
        proofs.all().delete()

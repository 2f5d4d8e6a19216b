"""Making sources and changing their tokens."""

import re
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from registryhub.access.models import Source
from registryhub.access.tokens import create_source_token

MAX_GRACE_SECONDS = 30 * 24 * 3600

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")


class SourceRefused(ValueError):
    """The source cannot be made or changed so; the text says what to do instead."""


def add_source(name: str, *, is_public: bool = False) -> tuple[Source, str]:
    """A new source and its first token, which is not kept. Raises SourceRefused."""
    if not _NAME.fullmatch(name):
        raise SourceRefused(
            f"{name!r} is no name for a source: 1 to 100 letters, digits, dots, colons, hyphens and underscores, "
            "beginning with a letter or digit, such as registry.example.org:5000."
        )
    try:
        with transaction.atomic():
            source = Source.objects.create(name=name, is_public=is_public)
            return source, create_source_token(source)
    except IntegrityError as error:
        raise SourceRefused(f"There is a source {name!r} already; rotate its token to get a new one.") from error


def rotate_token(source: Source, *, grace_seconds: int = 0) -> str:
    """A new token; the others of the source end now, or after the grace.

    A registry reads its endpoints at start only, and a restart loses what waits in its memory: the grace lets the old
    token go on until the new one is in place. Raises SourceRefused.
    """
    if source.is_hub:
        raise SourceRefused("The hub's own events need no token, and none is accepted for them.")
    if not 0 <= grace_seconds <= MAX_GRACE_SECONDS:
        raise SourceRefused(f"The grace must be 0 to {MAX_GRACE_SECONDS} seconds.")
    with transaction.atomic():
        if grace_seconds:
            until = timezone.now() + timedelta(seconds=grace_seconds)
            source.tokens.exclude(expires_at__lt=until).update(expires_at=until)
        else:
            source.tokens.all().delete()
        return create_source_token(source)

"""What sources sign with: kept encrypted, because a signature can only be checked by who has the secret."""

import logging
from collections.abc import Sequence

from django.db.models import Q
from django.utils import timezone

from registryhub.access.models import Source, SourceSecret
from registryhub.access.sealing import Seal, Unsealable

MOST_SECRETS = 5
"""Of one source at a time: each envelope may be checked against all of them."""

_SEAL = Seal("source")

logger = logging.getLogger(__name__)


def keep_secret(source: Source, text: str) -> None:
    """Add one to those of the source, on the caller's transaction; beyond MOST_SECRETS the oldest go."""
    SourceSecret.objects.create(source=source, sealed=_SEAL.seal({"secret": text}))
    newest = source.secrets.order_by("-pk").values_list("pk", flat=True)[:MOST_SECRETS]
    source.secrets.exclude(pk__in=list(newest)).delete()


def read_secrets(source: Source) -> Sequence[str]:
    """Those that are valid now, the newest first. One that was encrypted under another key is told in the log."""
    is_alive = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    found: list[str] = []
    for row in source.secrets.filter(is_alive).order_by("-pk"):
        try:
            found.append(_SEAL.unseal(row.sealed)["secret"])
        except Unsealable as error:
            logger.error("a secret of source %s cannot be used: %s", source.name, error)
    return found

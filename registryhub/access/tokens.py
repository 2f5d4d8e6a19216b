"""Making tokens and finding whose they are.

A secret has 256 random bits, so its plain SHA-256 is as good as a slow hash and costs nothing to check.
"""

import hashlib
import secrets
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from registryhub.access.models import ApiToken, Source, SourceToken

API_PREFIX = "rha_"
SOURCE_PREFIX = "rhs_"


def hash_secret(secret: str) -> str:
    """The 64 hex digits that are stored instead of the secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def create_source_token(source: Source, label: str = "", expires_at: datetime | None = None) -> str:
    """A new secret for the source; it is not kept and cannot be shown again."""
    secret = SOURCE_PREFIX + secrets.token_urlsafe(32)
    SourceToken.objects.create(source=source, token_hash=hash_secret(secret), label=label, expires_at=expires_at)
    return secret


def create_api_token(user: AbstractBaseUser, label: str = "", expires_at: datetime | None = None) -> str:
    """A new secret for the user; it is not kept and cannot be shown again."""
    secret = API_PREFIX + secrets.token_urlsafe(32)
    ApiToken.objects.create(user_id=user.pk, token_hash=hash_secret(secret), label=label, expires_at=expires_at)
    return secret


def find_source(secret: str) -> Source | None:
    """The enabled source whose valid token this is."""
    token = _valid(SourceToken.objects.select_related("source"), secret).filter(source__is_enabled=True).first()
    return token.source if token else None


def find_user(secret: str) -> Any | None:
    """The active user whose valid token this is."""
    token = _valid(ApiToken.objects.select_related("user"), secret).filter(user__is_active=True).first()
    return token.user if token else None


def _valid(tokens: QuerySet[Any], secret: str) -> QuerySet[Any]:
    now = timezone.now()
    is_alive = Q(expires_at__isnull=True) | Q(expires_at__gt=now)
    return tokens.filter(is_alive, token_hash=hash_secret(secret)).order_by(F("id"))

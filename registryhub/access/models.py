"""On what rights are granted: sources and their repositories; and by what they are proven: tokens.

A repository is (source, name). Two registries' `app/web` are two repositories, and are never added up.
"""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from registryhub.database.fields import BytewiseField

HUB_SOURCE_ID = 1
HUB_SOURCE_NAME = "hub"
SOURCE_NAME = r"(?!stream\b/?\Z)[A-Za-z0-9][A-Za-z0-9._:-]{0,99}"
"""Names stand in URLs and headings; /api/v1/events/stream is another's."""


class Source(models.Model):
    """A registry whose events come in. Row 1 is this hub itself; the first migration makes it."""

    name = BytewiseField(max_length=100, validators=[RegexValidator(rf"\A{SOURCE_NAME}\Z")])
    is_enabled = models.BooleanField(default=True, help_text="Events of a disabled source are refused with 401.")
    is_public = models.BooleanField(default=False, help_text="New repositories of this source are public.")
    events_per_second = models.FloatField(
        default=0.0, db_default=0.0, help_text="More than that are answered 429, over ten seconds; 0: no limit."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("name",), name="source_name"),)

    def __str__(self) -> str:
        return self.name

    @property
    def is_hub(self) -> bool:
        return self.pk == HUB_SOURCE_ID


class Repository(models.Model):
    """A named place for images at a source. Kept when it is emptied or deleted: its counters hang on it."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="repositories", db_index=False)
    name = BytewiseField(max_length=255)
    is_public = models.BooleanField(default=False, help_text="Seen and counted in the open, also by the anonymous.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "repositories"
        constraints = (models.UniqueConstraint(fields=("source", "name"), name="repository_source_name"),)

    def __str__(self) -> str:
        return self.name


class Token(models.Model):
    """What both kinds of token share. Only the SHA-256 of the secret is kept; the secret is shown once."""

    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    label = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class SourceToken(Token):
    """Proves to the receiver which source an envelope comes from."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="tokens")

    def __str__(self) -> str:
        return f"{self.source} {self.label}".strip()


class SourceSecret(models.Model):
    """What a source signs its envelopes with. It must be read back to check a signature, so it is kept encrypted."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="secrets")
    sealed = models.TextField(editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.source} {self.created_at:%Y-%m-%d}"


class ApiToken(Token):
    """Lets a program use the REST API as its user."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")

    def __str__(self) -> str:
        return f"{self.user} {self.label}".strip()


class Guess(models.Model):
    """Wrong passwords from one address, and from one address for one user."""

    key = models.CharField(max_length=255, unique=True)
    failures = models.IntegerField(default=0)
    failed_at = models.DateTimeField(db_index=True)
    wait_until = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "guesses"

    def __str__(self) -> str:
        return self.key

"""The facts about what is stored: blobs, who may see them, manifests, tags and unfinished uploads.

Repositories themselves live in `registryhub.access`: they are what rights are granted on and what counters hang on.
"""

import uuid

from django.db import models
from django.utils import timezone

from registryhub.access.models import Repository
from registryhub.database.fields import BytewiseField
from registryhub.database.leases import Leased

DIGEST_LENGTH = 140  # sha512: and 128 hex digits


class Blob(models.Model):
    """Bytes in the storage driver, shared by all repositories that link them."""

    digest = BytewiseField(max_length=DIGEST_LENGTH)
    size = models.BigIntegerField(help_text="bytes")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("digest",), name="blob_digest"),)

    def __str__(self) -> str:
        return self.digest


class BlobLink(models.Model):
    """The blob is visible in the repository (reference E.1: `_layers/<alg>/<hex>/link`)."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="blob_links", db_index=False)
    blob = models.ForeignKey(Blob, on_delete=models.CASCADE, related_name="links", db_index=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    touched_at = models.DateTimeField(
        default=timezone.now, help_text="when it was last linked, asked for or referred to: its grace period begins"
    )

    class Meta:
        constraints = (models.UniqueConstraint(fields=("repository", "blob"), name="bloblink_repository_blob"),)
        indexes = (models.Index(fields=("blob", "repository"), name="bloblink_blob_repository"),)

    def __str__(self) -> str:
        return f"{self.repository}@{self.blob}"


class Manifest(models.Model):
    """A manifest in a repository, with its exact bytes: its digest is over them, so they never change.

    The bytes stand here and not in the storage driver: a push then commits manifest, tag and event at once,
    with one sync of the disk. A copy of them comes into the disk tree later (`registryhub.registry.tree`).
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="manifests", db_index=False)
    digest = BytewiseField(max_length=DIGEST_LENGTH)
    media_type = models.CharField(max_length=255)
    size = models.BigIntegerField(help_text="bytes of the manifest itself")
    payload = models.BinaryField()
    artifact_type = models.CharField(
        max_length=255, blank=True, default="", help_text="its own, else the media type of its configuration"
    )
    subject = BytewiseField(
        max_length=DIGEST_LENGTH, blank=True, default="", help_text="digest of the manifest that it is attached to"
    )
    platforms = models.TextField(
        blank=True, default="", db_default="", help_text="of the image or index, separated by spaces"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    touched_at = models.DateTimeField(
        default=timezone.now, help_text="when it was last pushed, or lost a tag or an index: its grace period begins"
    )

    class Meta:
        constraints = (models.UniqueConstraint(fields=("repository", "digest"), name="manifest_repository_digest"),)
        indexes = (
            models.Index(fields=("digest",), name="manifest_digest"),
            models.Index(
                fields=("repository", "subject", "digest"),
                condition=~models.Q(subject=""),
                name="manifest_subject",
            ),
        )

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}"


class ManifestReference(models.Model):
    """A manifest refers to a digest of its repository: a blob, or the manifest of an index. Not to its subject."""

    pk = models.CompositePrimaryKey("manifest_id", "digest")
    manifest = models.ForeignKey(Manifest, on_delete=models.CASCADE, related_name="references", db_index=False)
    digest = BytewiseField(max_length=DIGEST_LENGTH)
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        indexes = (models.Index(fields=("repository", "digest"), name="reference_repository_digest"),)

    def __str__(self) -> str:
        return f"{self.manifest} → {self.digest}"


class Tag(models.Model):
    """A name that points at a manifest of its repository.

    Digest, media type and size repeat the manifest's, so that a pull by tag is one look-up without it.
    """

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, related_name="tags", db_index=False)
    name = BytewiseField(max_length=128)
    manifest = models.ForeignKey(Manifest, on_delete=models.CASCADE, related_name="tags")
    digest = BytewiseField(max_length=DIGEST_LENGTH)
    media_type = models.CharField(max_length=255)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    moved_at = models.DateTimeField(default=timezone.now, help_text="when it was last pushed")
    previous_digest = models.CharField(
        max_length=DIGEST_LENGTH, default="", db_default="", blank=True, help_text="before it was last pushed"
    )

    class Meta:
        constraints = (models.UniqueConstraint(fields=("repository", "name"), name="tag_repository_name"),)
        indexes = (models.Index(fields=("repository", "moved_at", "name"), name="tag_repository_moved"),)

    def __str__(self) -> str:
        return f"{self.repository}:{self.name}"


class Upload(models.Model):
    """A blob on its way in. `offset` and `digest` speak of the bytes that are safely in the storage driver."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    repository_name = BytewiseField(max_length=255)
    offset = models.BigIntegerField(default=0, help_text="bytes received")
    digest = models.CharField(max_length=DIGEST_LENGTH, blank=True, help_text="of the bytes so far")
    algorithm = models.CharField(
        max_length=10, default="sha256", help_text="by which the bytes are hashed as they come"
    )
    started_at = models.DateTimeField(default=timezone.now, db_index=True)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.repository_name} {self.id}"


class Collection(Leased):
    """A garbage collection. It goes on from `phase` and `cursor`, whoever carried it out before; one runs at a time."""

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        FINISHED = "finished"
        FAILED = "failed"
        STOPPED = "stopped"

    class Phase(models.TextChoices):
        MANIFESTS = "manifests"
        LINKS = "links"
        BLOBS = "blobs"
        FILES = "files"

    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    phase = models.CharField(max_length=10, choices=Phase, default=Phase.MANIFESTS)
    cursor = models.BigIntegerField(default=0, help_text="the last id that the phase has dealt with")
    is_dry_run = models.BooleanField(default=False, help_text="removes nothing, counts what it would remove")
    grace_seconds = models.FloatField(help_text="what was used since then stays")
    untagged_seconds = models.FloatField(
        null=True, blank=True, help_text="manifests without a tag for so long go; empty: they all stay"
    )
    slot = models.DateTimeField(
        null=True, blank=True, unique=True, help_text="when the schedule wanted it; empty: somebody asked for it"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    manifests = models.BigIntegerField(default=0, help_text="removed")
    links = models.BigIntegerField(default=0, help_text="blobs removed from a repository")
    blobs = models.BigIntegerField(default=0, help_text="removed with their bytes")
    freed_bytes = models.BigIntegerField(default=0)
    waiting = models.BigIntegerField(default=0, help_text="of no use, but not for long enough")
    skipped = models.BigIntegerField(default=0, help_text="could not be read or removed; the log says why")
    error = models.TextField(blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("state",), condition=models.Q(state="running"), name="collection_one_at_a_time"
            ),
        )

    def __str__(self) -> str:
        return f"collection {self.pk}"

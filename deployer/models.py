"""What is to run, when it is to be replaced, and what became of each replacement.

The rows are the truth: a deployment is claimed by the lease of its service, and each of its steps is written down
before it is done, so that whoever comes after a worker that died can finish or undo.
"""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from deployer.targets.base import Image
from registryhub.access.models import Source
from registryhub.database.fields import BytewiseField
from registryhub.database.leases import Leased

SERVICE_NAME = RegexValidator(
    r"\A[a-z0-9][a-z0-9-]{0,61}[a-z0-9]\Z",
    "Use 2 to 63 lower-case letters, digits and dashes, neither first nor last a dash.",
)


class Service(Leased):
    """Something that runs an image: a container on the Docker engine, or whatever a signed HTTP call deploys.

    `settings` is a ContainerSpec or CallSpec as JSON; what is secret of it (values of the environment, the key of the
    signature) is in `sealed`, encrypted. The lease is held by the worker that works on its deployments.
    """

    class Kind(models.TextChoices):
        CONTAINER = "container", "container on the Docker engine"
        CALL = "call", "signed HTTP call"

    name = models.CharField(max_length=63, unique=True, validators=[SERVICE_NAME], help_text="the container's name too")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.CONTAINER)
    is_paused = models.BooleanField(default=False, help_text="pushes deploy nothing while it is paused")
    debounce_seconds = models.FloatField(
        default=2.0, help_text="how long a push waits for a newer one before it is deployed"
    )
    settings = models.JSONField(default=dict, blank=True)
    sealed = models.TextField(blank=True, editable=False)
    current = models.ForeignKey(
        "Deployment", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Rule(models.Model):
    """Which pushes are deployed to a service. Without a source only pushes to this hub match."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="rules")
    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, null=True, blank=True, related_name="+", help_text="empty: this hub"
    )
    repository = BytewiseField(max_length=255)
    tag_pattern = models.CharField(max_length=128, default="*", help_text="a glob, such as v1.* or release-?")
    actor = models.CharField(max_length=255, blank=True, help_text="only pushes of this user; empty: of anybody")
    is_enabled = models.BooleanField(default=True)

    class Meta:
        indexes = (models.Index(fields=("repository",), name="rule_repository"),)

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag_pattern} → {self.service}"


class Deployment(models.Model):
    """One image that is to run as one service. Pushes of the same digest are one deployment while it is not over."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        ROLLING = "rolling", "rolling out"
        UNDOING = "undoing", "rolling back"
        SUCCEEDED = "succeeded", "runs"
        ROLLED_BACK = "rolled_back", "rolled back"
        FAILED = "failed", "failed"
        SUPERSEDED = "superseded", "superseded"

    class Cause(models.TextChoices):
        PUSH = "push", "push"
        REQUEST = "request", "request"
        RETRY = "retry", "retry"
        ROLL_BACK = "roll_back", "roll back"

    UNDER_WAY = (State.ROLLING, State.UNDOING)
    UNFINISHED = (State.WAITING, *UNDER_WAY)

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="deployments", db_index=False)
    cause = models.CharField(max_length=10, choices=Cause, default=Cause.PUSH)
    rule = models.ForeignKey(Rule, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")
    repository = BytewiseField(max_length=255)
    tag = BytewiseField(max_length=128, blank=True)
    digest = BytewiseField(max_length=140)
    actor = models.CharField(max_length=255, blank=True, help_text="who pushed")
    first_seq = models.BigIntegerField(null=True, help_text="number in the log of the first push it deploys")
    last_seq = models.BigIntegerField(null=True, help_text="and of the last")
    pushes = models.PositiveIntegerField(default=0, help_text="how many pushes it deploys")

    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    reason = models.TextField(blank=True, help_text="why it ended as it did")
    waits_for = models.TextField(blank=True, help_text="what does not answer just now")
    logs = models.TextField(blank=True, help_text="how the log of a container ended that did not come up")
    tries = models.PositiveIntegerField(default=0, help_text="of the step at hand, while something does not answer")
    memo = models.JSONField(default=dict, editable=False, help_text="what its steps must remember of each other")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    waiting_since = models.DateTimeField(default=timezone.now, editable=False)
    due_at = models.DateTimeField(default=timezone.now, help_text="not worked on before")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("service", "-id"), name="deployment_newest"),
            models.Index(fields=("due_at",), condition=Q(finished_at=None), name="deployment_unfinished"),
        )
        constraints = (
            models.UniqueConstraint(fields=("service",), condition=Q(state="waiting"), name="deployment_one_waits"),
            models.UniqueConstraint(
                fields=("service",), condition=Q(state__in=("rolling", "undoing")), name="deployment_one_under_way"
            ),
        )

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag or self.digest}"

    @property
    def image(self) -> Image:
        """What is to run."""
        return Image(self.repository, self.tag, self.digest)

    @property
    def is_finished(self) -> bool:
        return self.state not in self.UNFINISHED


class Step(models.Model):
    """One step of a deployment, written down before it is done.

    A step that another worker begins anew is a new row, one that is tried again after a failure is not.
    """

    class State(models.TextChoices):
        BEGUN = "begun", "begun"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    deployment = models.ForeignKey(Deployment, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=30)
    is_undo = models.BooleanField(default=False)
    state = models.CharField(max_length=6, choices=State, default=State.BEGUN)
    detail = models.TextField(blank=True, help_text="what was done, or why it failed")
    holder = models.CharField(max_length=100, help_text="which worker")
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} {self.state}"

    @property
    def duration_seconds(self) -> float | None:
        """None while it is not finished."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at else None

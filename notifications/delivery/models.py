"""What is known about webhook endpoints: their settings, their state, and what became of each attempt and event.

The queue of an endpoint is no table: it is the log after the endpoint's position, which the log itself keeps
(consumer `endpoint:<name>`).
"""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from notifications.delivery.sending.retry import Policy
from registryhub.config.notifications import MAX_NAME_LENGTH
from registryhub.database.fields import BytewiseField

MAX_ERROR_LENGTH = 500


class Endpoint(models.Model):
    """A webhook. Its settings are a copy to look at: the sender reads those of `config.yml`, or what is `sealed`.

    Header values, secrets and the password of the URL are in this table for endpoints from here alone, encrypted.
    `revision` counts the changes of such an endpoint: a sender that runs by an older one stops.
    """

    class Origin(models.TextChoices):
        CONFIG = "config", "configuration"
        UI = "ui", "user interface"

    class State(models.TextChoices):
        """What the endpoint is about."""

        DELIVERING = "delivering", "delivering"
        RETRYING = "retrying", "retrying at once"
        BACKING_OFF = "backing_off", "backing off"
        PAUSED = "paused", "paused"
        DISABLED = "disabled", "disabled"
        ABSENT = "absent", "no longer configured"

    name = BytewiseField(max_length=MAX_NAME_LENGTH, unique=True)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.CONFIG)
    url = models.TextField(help_text="without its password")
    rate_limit_per_second = models.FloatField(default=0.0, help_text="requests at most; 0: no limit")
    face = models.CharField(max_length=20, default="distribution", help_text="in whose words events are sent")
    batch_size = models.PositiveIntegerField(default=1, help_text="events a request at most")
    header_names = models.JSONField(default=list, help_text="names only; the values stay in the configuration")
    timeout_seconds = models.FloatField(default=1.0, help_text="for one whole exchange")
    threshold = models.PositiveIntegerField(default=10, help_text="failures in a row from which on it backs off")
    backoff_seconds = models.FloatField(default=1.0)
    max_backoff_seconds = models.FloatField(default=0.0, help_text="up to which the backoff doubles; 0: it does not")
    max_attempts = models.PositiveIntegerField(default=0, help_text="before an event is given up; 0: never")
    max_age_seconds = models.FloatField(default=0.0, help_text="after which a failing event is given up; 0: never")
    disable_after_seconds = models.FloatField(default=0.0, help_text="of nothing but failures; 0: never")
    ignored_media_types = models.JSONField(default=list, blank=True)
    ignored_actions = models.JSONField(default=list, blank=True)
    filter = models.JSONField(default=dict, blank=True, help_text="which events it gets, as config.yml would say it")
    takes_notices = models.BooleanField(default=False, help_text="messages about other endpoints")
    is_disabled = models.BooleanField(default=False, help_text="by the configuration")
    is_absent = models.BooleanField(default=False, help_text="no longer in the configuration; its position is kept")
    is_paused = models.BooleanField(default=False, help_text="by an operator; events wait in the log meanwhile")
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="when the hub itself disabled it")
    stop_reason = models.CharField(max_length=MAX_ERROR_LENGTH, blank=True, help_text="why the hub disabled it")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    sealed = models.TextField(blank=True, editable=False)
    revision = models.PositiveIntegerField(default=0, editable=False)
    secret_expires_at = models.DateTimeField(null=True, editable=False, help_text="when the first old secret goes")

    consecutive_failures = models.PositiveIntegerField(default=0)
    event_failures = models.PositiveIntegerField(default=0, help_text="of the event that is being sent")
    failing_seconds = models.FloatField(default=0.0, help_text="how long all attempts have failed")
    alert_level = models.PositiveSmallIntegerField(default=0, help_text="percent of the way to being disabled")
    last_failure_at = models.DateTimeField(null=True, blank=True)
    last_success_at = models.DateTimeField(null=True, blank=True)
    next_try_at = models.DateTimeField(null=True, blank=True, help_text="while it backs off")
    last_error = models.CharField(max_length=MAX_ERROR_LENGTH, blank=True, help_text="of the last failed attempt")

    successes = models.BigIntegerField(default=0, help_text="attempts that were accepted: events delivered")
    failures = models.BigIntegerField(default=0, help_text="attempts that were answered with another status than 2xx")
    errors = models.BigIntegerField(default=0, help_text="attempts without an answer")
    statuses = models.JSONField(default=dict, help_text='answers by status, such as {"200 OK": 7}')
    given_up = models.BigIntegerField(default=0, help_text="events that became dead letters")

    def __str__(self) -> str:
        return self.name

    @property
    def consumer_name(self) -> str:
        """Under which the log keeps its position."""
        return f"endpoint:{self.name}"

    @property
    def is_configured(self) -> bool:
        """Whether its settings come from `config.yml`."""
        return self.origin == self.Origin.CONFIG

    @property
    def is_active(self) -> bool:
        """Whether events are sent to it."""
        return not (self.is_disabled or self.is_absent or self.is_held)

    @property
    def is_held(self) -> bool:
        """Whether an operator or the hub stopped it, so that somebody has to resume it."""
        return self.is_paused or self.stopped_at is not None

    @property
    def state(self) -> State:
        """What it is about, the operator's and the configuration's word before the receiver's."""
        if self.is_absent:
            return self.State.ABSENT
        if self.is_disabled or self.stopped_at is not None:
            return self.State.DISABLED
        if self.is_paused:
            return self.State.PAUSED
        if not self.consecutive_failures:
            return self.State.DELIVERING
        waits = self.next_try_at is not None or self.consecutive_failures >= self.threshold
        return self.State.BACKING_OFF if waits else self.State.RETRYING

    @property
    def policy(self) -> Policy:
        """When it is tried again, given up and disabled."""
        return Policy(
            self.threshold,
            self.backoff_seconds,
            max_backoff_seconds=self.max_backoff_seconds,
            max_attempts=self.max_attempts,
            max_age_seconds=self.max_age_seconds,
            disable_after_seconds=self.disable_after_seconds,
        )

    def retry_in_seconds(self, now: datetime) -> float:
        """Until the next attempt of an endpoint that backs off; never longer than its policy lets it wait."""
        if self.state != self.State.BACKING_OFF or self.next_try_at is None:
            return 0.0
        return min(self.policy.longest_seconds, max(0.0, (self.next_try_at - now) / timedelta(seconds=1)))


class Attempt(models.Model):
    """One failed attempt, or a batch of successful ones (events first_seq … seq, about a second's worth at most).

    What was sent and answered is that of the first request of a batch; secrets are masked in it. Pruned by age and
    number (`notifications.attempts`).
    """

    class Occasion(models.TextChoices):
        """Why something was sent."""

        QUEUE = "queue", "it was its turn"
        RESEND = "resend", "somebody asked for it again"
        TEST = "test", "a test"

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, db_index=False, related_name="attempts")
    occasion = models.CharField(max_length=10, choices=Occasion, default=Occasion.QUEUE)
    is_success = models.BooleanField()
    first_seq = models.BigIntegerField()
    seq = models.BigIntegerField(help_text="number in the log of the event, of the last one of a batch; 0 for a test")
    event_id = models.CharField(max_length=128, help_text="its id, of the last one of a batch")
    events = models.PositiveIntegerField(default=1, help_text="how many; ignored ones within a batch do not count")
    attempted_at = models.DateTimeField(help_text="when the first exchange began")
    duration_seconds = models.FloatField(help_text="from sending to the answer, summed up over a batch")
    durations = models.JSONField(default=dict, help_text="of a batch: how many requests took how long, by steps")
    look_up_seconds = models.FloatField(null=True, help_text="of the host's name; empty on a kept connection")
    connect_seconds = models.FloatField(null=True, help_text="empty on a kept connection")
    tls_seconds = models.FloatField(null=True, help_text="empty on a kept connection, and without TLS")
    first_byte_seconds = models.FloatField(null=True, help_text="from sending to the first byte of the answer")
    status = models.PositiveSmallIntegerField(null=True, help_text="empty without an answer")
    error = models.CharField(max_length=MAX_ERROR_LENGTH, blank=True)
    request_head = models.TextField(blank=True, help_text="as it was sent, secrets masked")
    request_body = models.TextField(blank=True, help_text="how it began")
    answer_head = models.TextField(blank=True, help_text="as it came, secrets masked")
    answer = models.TextField(blank=True, help_text="how the body of the answer began")
    next_try_at = models.DateTimeField(null=True, help_text="empty when there is none, or at once")

    class Meta:
        indexes = (models.Index(fields=("endpoint", "is_success", "id"), name="attempt_newest"),)

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.seq} {self.status or self.error}"

    @property
    def is_test(self) -> bool:
        return self.occasion == self.Occasion.TEST


class Resend(models.Model):
    """A part of the log that somebody wants sent once more, beside the queue of the endpoint that gets it.

    All up to `position` is dealt with: a sender that dies leaves exactly that behind, and the next one goes on there.
    """

    class State(models.TextChoices):
        """How far it is."""

        QUEUED = "queued", "under way"
        DONE = "done", "done"
        STOPPED = "stopped", "stopped: it is refused again and again"
        CANCELLED = "cancelled", "cancelled"

    class Which(models.TextChoices):
        """Which events of the part."""

        ALL = "all", "all that the endpoint gets"
        FAILED = "failed", "those that failed or were given up"

    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.CASCADE, db_index=False, related_name="ranges", help_text="whose events they were"
    )
    send_to = models.ForeignKey(Endpoint, on_delete=models.CASCADE, db_index=False, related_name="ranges_to_come")
    which = models.CharField(max_length=10, choices=Which, default=Which.ALL)
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    position = models.BigIntegerField(help_text="number of the last event dealt with")
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    sent = models.BigIntegerField(default=0, help_text="events that were accepted")
    skipped = models.BigIntegerField(default=0, help_text="events that are not for the endpoint that gets them")
    lost = models.BigIntegerField(default=0, help_text="events that had left the log by then")
    failures = models.PositiveIntegerField(default=0, help_text="attempts in a row that failed")
    error = models.CharField(max_length=MAX_ERROR_LENGTH, blank=True, help_text="of the last attempt that failed")
    asked_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("send_to", "id"), condition=models.Q(state="queued"), name="resend_queued"),
            models.Index(fields=("endpoint", "id"), name="resend_listed"),
        )

    def __str__(self) -> str:
        return f"{self.first_seq}–{self.last_seq} to {self.send_to_id}: {self.state}"


class Notice(models.Model):
    """A message to the operators: an endpoint fails for long, was disabled, or has recovered. The newest are kept."""

    class Kind(models.TextChoices):
        """What happened."""

        ALERT = "alert", "fails for long"
        DISABLED = "disabled", "was disabled"
        RECOVERED = "recovered", "has recovered"
        CHANGED = "changed", "was changed"

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=10, choices=Kind)
    level = models.PositiveSmallIntegerField(default=0, help_text="percent of the way to being disabled")
    text = models.TextField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.text


class DeadLetter(models.Model):
    """An event that was given up, kept until somebody sends it again, discards it, or it is too old.

    It holds the event itself, which may have left the log by then.
    """

    class State(models.TextChoices):
        """What is to become of it."""

        WAITING = "waiting", "waiting for somebody to decide"
        QUEUED = "queued", "to be sent again"
        RESENT = "resent", "delivered after all"
        DISCARDED = "discarded", "discarded"

    class Reason(models.TextChoices):
        """Why it was given up."""

        ATTEMPTS = "attempts", "tried often enough"
        AGE = "age", "too old"

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="dead_letters")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    reason = models.CharField(max_length=10, choices=Reason)
    seq = models.BigIntegerField(help_text="number in the log of the event")
    event_id = models.CharField(max_length=128)
    action = models.CharField(max_length=10)
    repository = models.CharField(max_length=255)
    tag = models.CharField(max_length=128, blank=True)
    document = models.TextField(help_text="the event as the log has it")
    attempts = models.PositiveIntegerField(help_text="that have failed")
    status = models.PositiveSmallIntegerField(null=True, help_text="of the last attempt; empty without an answer")
    error = models.CharField(max_length=MAX_ERROR_LENGTH, help_text="of the last attempt")
    created_at = models.DateTimeField(default=timezone.now, editable=False, db_index=True)
    send_to = models.ForeignKey(
        Endpoint, on_delete=models.SET_NULL, null=True, blank=True, db_index=False, related_name="resends"
    )
    settled_at = models.DateTimeField(null=True, blank=True, help_text="when it was delivered or discarded")
    settled_by = models.CharField(max_length=150, blank=True, help_text="who asked for that")
    remark = models.TextField(blank=True, help_text="why it was discarded")

    class Meta:
        indexes = (
            models.Index(fields=("send_to", "id"), condition=models.Q(state="queued"), name="dead_letter_queued"),
            models.Index(fields=("endpoint", "state", "id"), name="dead_letter_listed"),
        )

    def __str__(self) -> str:
        return f"{self.endpoint_id} {self.seq} {self.error}"

"""The event log and what leads into it: intake, sequence, consumers."""

from django.db import models
from django.utils import timezone

from registryhub.access.models import Source
from registryhub.database.fields import BytewiseField
from registryhub.database.leases import Leased

MAX_EVENT_ID_LENGTH = 128


class Intake(models.Model):
    """Raw bytes that wait to be sequenced: one event of a push, a journal segment, or an envelope."""

    source = models.ForeignKey(Source, on_delete=models.PROTECT, db_index=False, related_name="+")
    kind = models.CharField(max_length=20, help_text="which of settings.INTAKE_READERS reads it")
    raw = models.BinaryField()
    received_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class ImportedFile(models.Model):
    """A file of old envelopes, known by its content, and how many of its lines are in the intake or beyond."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="+")
    fingerprint = models.CharField(max_length=64)
    lines = models.BigIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("source", "fingerprint"), name="imported_once"),)

    def __str__(self) -> str:
        return self.fingerprint


class Event(models.Model):
    """What happened, numbered 1, 2, 3 … without gaps. Never changed once written."""

    seq = models.BigIntegerField(primary_key=True)
    source = models.ForeignKey(
        Source, on_delete=models.PROTECT, db_index=False, db_constraint=False, related_name="events"
    )
    event_id = models.CharField(max_length=MAX_EVENT_ID_LENGTH)
    occurred_at = models.DateTimeField(help_text="by the clock of the source")
    received_at = models.DateTimeField()
    action = models.CharField(max_length=10)
    repository = BytewiseField(max_length=255)
    tag = BytewiseField(max_length=128, blank=True)
    digest = BytewiseField(max_length=140, blank=True)
    media_type = models.CharField(max_length=255, blank=True)
    size = models.BigIntegerField(default=0)
    actor = models.CharField(max_length=255, blank=True)
    address = models.CharField(max_length=255, blank=True)
    user_agent = models.TextField(blank=True)
    method = models.CharField(max_length=10, blank=True)
    from_repository = BytewiseField(max_length=255, blank=True)
    raw = models.TextField(help_text="the event as the wire has it, JSON")
    facts = models.TextField(
        default="", db_default="", blank=True, help_text="what is known besides (notifications.facts), JSON"
    )

    class Meta:
        indexes = (
            models.Index(fields=("source", "repository", "seq"), name="event_repository"),
            # Among millions of pulls the few changes are found by this one. SQLite takes it for a query of one action
            # because the condition is a chain of ORs.
            models.Index(
                fields=("seq",),
                condition=models.Q(action="push") | models.Q(action="mount") | models.Q(action="delete"),
                name="event_changes",
            ),
        )

    def __str__(self) -> str:
        return f"{self.seq} {self.action} {self.repository}"


class SeenEvent(models.Model):
    """The identity of an event in the log: (source, event id). Another source cannot claim an id."""

    pk = models.CompositePrimaryKey("source_id", "event_id")
    source = models.ForeignKey(Source, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="+")
    event_id = models.CharField(max_length=MAX_EVENT_ID_LENGTH)
    seen_at = models.DateTimeField(default=timezone.now, help_text="or what the event says of itself, if later")

    class Meta:
        indexes = (models.Index(fields=("seen_at",), name="seen_event_age"),)

    def __str__(self) -> str:
        return self.event_id


class SourceTally(models.Model):
    """What became of all that a source has sent. `events` of all sources together is the head of the log.

    Ids of events that claim a time before `forgotten_to` may have been forgotten; what claims such a time is late.
    `last_received_at` is when its last event came in, `last_occurred_at` the latest time that this one and those that
    were numbered with it claim for themselves. `offset_seconds` is how far its clock was ahead of ours at
    `offset_at`, by the event that came soonest of all around then (`notifications.log.tallies`).
    """

    source = models.OneToOneField(
        Source, on_delete=models.CASCADE, primary_key=True, db_constraint=False, related_name="tally"
    )
    events = models.BigIntegerField(default=0)
    duplicates = models.BigIntegerField(default=0)
    quarantined = models.BigIntegerField(default=0)
    forgotten_to = models.DateTimeField(null=True)
    last_received_at = models.DateTimeField(null=True)
    last_occurred_at = models.DateTimeField(null=True)
    offset_seconds = models.FloatField(null=True)
    offset_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.source_id}: {self.events}"


class QuarantinedEvent(models.Model):
    """An event that could not be read or stored, kept as it came with the reason.

    `kind` is that of the intake row in which it may come again. What was discarded stays to be seen, with the remark
    of whoever did it, as long as events do.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="quarantined")
    kind = models.CharField(max_length=20, default="event", db_default="event")
    raw = models.BinaryField()
    reason = models.TextField()
    received_at = models.DateTimeField()
    discarded_at = models.DateTimeField(null=True)
    remark = models.TextField(default="", db_default="", blank=True)
    discarded_by = models.CharField(max_length=150, default="", db_default="", blank=True)

    class Meta:
        verbose_name = "quarantined event"

    def __str__(self) -> str:
        return self.reason


class Lease(Leased):
    """A place in the log that one process holds at a time."""

    position = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class LogHead(Lease):
    """The one row (id 1) that says which number was given last; its holder is the sequencer.

    A long intake row is taken in several short transactions: `intake_id` says which one is under way and
    `intake_done` how many of its events have been dealt with. It is not kept on the intake row: to change one number
    there, SQLite would write all its megabytes again.
    """

    intake_id = models.BigIntegerField(default=0)
    intake_done = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"head {self.position}"


class LogTail(Lease):
    """The one row (id 1) that says which number was removed last; its holder removes what is too old."""

    def __str__(self) -> str:
        return f"tail {self.position}"


class Consumer(Lease):
    """A reader of the log and the number of the last event it has dealt with.

    `lost` counts the events that were removed before it came to them. In a replay it goes up to `replay_until`, and
    then on from `resume_at`, where it was before.
    """

    name = BytewiseField(max_length=120, primary_key=True)
    updated_at = models.DateTimeField(default=timezone.now)
    lost = models.BigIntegerField(default=0)
    lost_at = models.DateTimeField(null=True)
    replay_until = models.BigIntegerField(null=True)
    resume_at = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return self.name

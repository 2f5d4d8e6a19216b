"""Examinations, who asked and what was found; and what went wrong last, where the doctor can read it."""

from datetime import timedelta
from typing import Any

from django.db import models
from django.utils import timezone

LONGEST_SECONDS = 300.0
"""After so long nobody works on it any more: the process died."""


class Checkup(models.Model):
    """One examination. The newest are kept."""

    class State(models.TextChoices):
        """How far it is."""

        RUNNING = "running", "running"
        FINISHED = "finished", "finished"
        ABANDONED = "abandoned", "not finished"

    started_at = models.DateTimeField(default=timezone.now, editable=False)
    finished_at = models.DateTimeField(null=True)
    asked_by = models.CharField(max_length=150, blank=True, help_text="user name; empty on the command line")
    delivers = models.BooleanField(default=False, help_text="whether each endpoint is sent a test event")
    findings: Any = models.JSONField(default=list, help_text="in the order of the hops")
    is_well = models.BooleanField(null=True, help_text="once it is finished: whether nothing is stopped")
    worker_answered_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"checkup {self.pk}"

    @property
    def state(self) -> State:
        if self.finished_at is not None:
            return self.State.FINISHED
        is_alive = timezone.now() - self.started_at < timedelta(seconds=LONGEST_SECONDS)
        return self.State.RUNNING if is_alive else self.State.ABANDONED


class Complaint(models.Model):
    """What went wrong last with something that is tried again and again, such as a consumer of the log."""

    subject = models.CharField(max_length=160, primary_key=True)
    text = models.TextField()
    raised_at = models.DateTimeField(help_text="by the database's clock")

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}"

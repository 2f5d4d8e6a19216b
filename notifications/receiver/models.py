"""What the receiver keeps of senders besides their events: what they signed a moment ago, and how fast they send."""

from django.db import models

from registryhub.access.models import Source


class SignedMessage(models.Model):
    """A message that was taken, by its signature, until it is too old to be taken again anyway."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, db_index=False, related_name="+")
    signature = models.CharField(max_length=64)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("source", "signature"), name="message_taken_once"),)

    def __str__(self) -> str:
        return self.signature


class Pace(models.Model):
    """Of a source with a limit: until when what it has sent keeps it busy, at the pace that it is allowed."""

    source = models.OneToOneField(Source, on_delete=models.CASCADE, primary_key=True, related_name="+")
    busy_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.source_id}: {self.busy_until}"

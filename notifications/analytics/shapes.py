"""The numbers that several tables have: what is counted of a thing, when it was last used, and of whom.

No tables themselves; `models` has these.
"""

from django.db import models

from registryhub.database.fields import BytewiseField


class Counts(models.Model):
    """What docs/counting.md defines."""

    pulls = models.BigIntegerField(default=0)
    checks = models.BigIntegerField(default=0)
    pushes = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class Clocks(models.Model):
    """The latest of each kind."""

    last_pulled_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True, help_text="the last pull or check")
    last_pushed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class WideCounts(Counts):
    """What is counted of a repository, and of a source, beyond that.

    `excluded` are pulls of those who are no users (scanners, mirrors, the hub's own roll-outs) and of attachments;
    `bytes` is the size of everything that was fetched, manifests and blobs, by whomever.
    """

    excluded = models.BigIntegerField(default=0, db_default=0)
    bytes = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        abstract = True


class Traffic(models.Model):
    """What was done, and with what; empty text where that is not known or makes no difference.

    `action` is what a request counts as, or `fetch` for a manifest that went out: of these the platform is told.
    """

    action = BytewiseField(max_length=20)
    audience = BytewiseField(max_length=20)
    client = BytewiseField(max_length=60)
    platform = BytewiseField(max_length=100, blank=True)
    pulls = models.BigIntegerField(default=0)
    checks = models.BigIntegerField(default=0)
    pushes = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        abstract = True


class Uses(Traffic):
    """And by whom."""

    actor = BytewiseField(max_length=255, blank=True)

    class Meta:
        abstract = True

"""Counters. Each is a view of the log and can be counted again from it (`manage.py recount`).

They hang on the repository's id and on the tag's name or the digest, so history stays when a tag moves, is deleted or
pushed again. Hours and days are those of the event, in UTC; days are made of their hours when they are over. Rows exist
only where something was counted. All numbers have 64 bits. No table has a constraint to its repository: PostgreSQL
would look for it at each row that is added.

The time comes first in each key. What happens now lies side by side then, on few pages, which are written once for many
events; with the repository first each event had a page of its own, in the table of every repository's past. A day that
ends is read in one piece. Who asks for a repository looks into each hour there is (`notifications.analytics.live`).

Beside the numbers stand the traces: what each client asked for lately, by which requests that belong together are told.
"""

from django.db import models

from notifications.analytics.shapes import Clocks, Counts, Traffic, Uses, WideCounts
from registryhub.access.models import Repository, Source
from registryhub.database.fields import BytewiseField

DIGEST_LENGTH = 140


class RepositoryTotals(WideCounts, Clocks):
    """The totals of a repository: since the beginning, and since the `WindowStart` of each window.

    Without an index on any number: it would be written anew with each of them, a batch of events changes hundreds of
    rows, and a board reads all rows of 50,000 repositories in milliseconds.
    """

    repository = models.OneToOneField(
        Repository, on_delete=models.CASCADE, db_constraint=False, primary_key=True, related_name="totals"
    )
    pullers = models.BigIntegerField(default=0, db_default=0, help_text="of each day, added up")
    pulls_24h = models.BigIntegerField(default=0, db_default=0)
    pulls_7d = models.BigIntegerField(default=0, db_default=0)
    pulls_30d = models.BigIntegerField(default=0, db_default=0)
    pulls_90d = models.BigIntegerField(default=0, db_default=0)
    pushes_24h = models.BigIntegerField(default=0, db_default=0)
    pushes_7d = models.BigIntegerField(default=0, db_default=0)
    pushes_30d = models.BigIntegerField(default=0, db_default=0)
    pushes_90d = models.BigIntegerField(default=0, db_default=0)
    bytes_24h = models.BigIntegerField(default=0, db_default=0)
    bytes_7d = models.BigIntegerField(default=0, db_default=0)
    bytes_30d = models.BigIntegerField(default=0, db_default=0)
    bytes_90d = models.BigIntegerField(default=0, db_default=0)
    pullers_7d = models.BigIntegerField(default=0, db_default=0)
    pullers_30d = models.BigIntegerField(default=0, db_default=0)
    pullers_90d = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name_plural = "repository totals"

    def __str__(self) -> str:
        return f"totals of {self.repository}"


class WindowStart(models.Model):
    """Since when the numbers of a window count; `window` is 24h, 7d, 30d or 90d.

    The one called `days` says which days are over: those before it have rows of their own, of later ones there are only
    hours (`notifications.analytics.days`).
    """

    window = models.CharField(max_length=4, primary_key=True)
    since = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.window} since {self.since:%Y-%m-%d %H}h"


class RepositoryHour(WideCounts):
    """The counts of a repository in an hour."""

    pk = models.CompositePrimaryKey("hour", "repository_id")
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="hours"
    )
    hour = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.repository} {self.hour:%Y-%m-%d %H}h"


class RepositoryDay(WideCounts):
    """The counts of a repository in a day; `pullers` are the different clients that pulled from it on that day."""

    pk = models.CompositePrimaryKey("day", "repository_id")
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="days"
    )
    day = models.DateField()
    pullers = models.BigIntegerField(default=0, db_default=0)

    def __str__(self) -> str:
        return f"{self.repository} {self.day}"


class TagTotals(Counts, Clocks):
    """The totals of a tag, whatever it has pointed at."""

    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="tag_totals"
    )
    tag = BytewiseField(max_length=128)

    class Meta:
        verbose_name_plural = "tag totals"
        constraints = (models.UniqueConstraint(fields=("repository", "tag"), name="tagtotals_repository_tag"),)

    def __str__(self) -> str:
        return f"totals of {self.repository}:{self.tag}"


class TagHour(Counts):
    """The counts of a tag in an hour."""

    pk = models.CompositePrimaryKey("hour", "repository_id", "tag")
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="tag_hours"
    )
    tag = BytewiseField(max_length=128)
    hour = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag} {self.hour:%Y-%m-%d %H}h"


class TagDay(Counts):
    """The counts of a tag in a day."""

    pk = models.CompositePrimaryKey("day", "repository_id", "tag")
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="tag_days"
    )
    tag = BytewiseField(max_length=128)
    day = models.DateField()

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag} {self.day}"


class DigestTotals(Counts, Clocks):
    """The totals of a manifest in a repository."""

    pk = models.CompositePrimaryKey("repository_id", "digest")
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="digest_totals"
    )
    digest = BytewiseField(max_length=DIGEST_LENGTH)

    class Meta:
        verbose_name_plural = "digest totals"

    def __str__(self) -> str:
        return f"totals of {self.repository}@{self.digest}"


class DigestHour(Counts):
    """The counts of a manifest in an hour."""

    pk = models.CompositePrimaryKey("hour", "repository_id", "digest")
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="digest_hours"
    )
    digest = BytewiseField(max_length=DIGEST_LENGTH)
    hour = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest} {self.hour:%Y-%m-%d %H}h"


class DigestDay(Counts):
    """The counts of a manifest in a day."""

    pk = models.CompositePrimaryKey("day", "repository_id", "digest")
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="digest_days"
    )
    digest = BytewiseField(max_length=DIGEST_LENGTH)
    day = models.DateField()

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest} {self.day}"


class RepositoryUseHour(Uses):
    """How a repository was used in an hour."""

    pk = models.CompositePrimaryKey("hour", "repository_id", "action", "audience", "client", "platform", "actor")
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="use_hours"
    )
    hour = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.repository} {self.action} {self.hour:%Y-%m-%d %H}h"


class RepositoryUseDay(Uses):
    """How a repository was used on a day."""

    pk = models.CompositePrimaryKey("day", "repository_id", "action", "audience", "client", "platform", "actor")
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="use_days"
    )
    day = models.DateField()

    def __str__(self) -> str:
        return f"{self.repository} {self.action} {self.day}"


class SourceHour(WideCounts):
    """The counts of all repositories of a source that are public, or that are not, in an hour."""

    pk = models.CompositePrimaryKey("hour", "source_id", "is_public")
    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="hours"
    )
    is_public = models.BooleanField()
    hour = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.source} {self.hour:%Y-%m-%d %H}h"


class SourceDay(WideCounts):
    """The counts of all repositories of a source that are public, or that are not, in a day."""

    pk = models.CompositePrimaryKey("day", "source_id", "is_public")
    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="days"
    )
    is_public = models.BooleanField()
    day = models.DateField()
    pullers = models.BigIntegerField(default=0, db_default=0, help_text="of each repository, added up")

    def __str__(self) -> str:
        return f"{self.source} {self.day}"


class SourceUseHour(Uses):
    """How all repositories of a source that are public, or that are not, were used in an hour."""

    pk = models.CompositePrimaryKey(
        "hour", "source_id", "is_public", "action", "audience", "client", "platform", "actor"
    )
    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="use_hours"
    )
    is_public = models.BooleanField()
    hour = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.source} {self.action} {self.hour:%Y-%m-%d %H}h"


class SourceUseDay(Uses):
    """How all repositories of a source that are public, or that are not, were used on a day."""

    pk = models.CompositePrimaryKey(
        "day", "source_id", "is_public", "action", "audience", "client", "platform", "actor"
    )
    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="use_days"
    )
    is_public = models.BooleanField()
    day = models.DateField()

    def __str__(self) -> str:
        return f"{self.source} {self.action} {self.day}"


class SourceTrafficHour(Traffic):
    """How all repositories of a source that are public, or that are not, were used in an hour, by whomever.

    There are as many rows as there are clients and platforms, however many users.
    """

    pk = models.CompositePrimaryKey("hour", "source_id", "is_public", "action", "audience", "client", "platform")
    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="traffic_hours"
    )
    is_public = models.BooleanField()
    hour = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.source} {self.action} {self.hour:%Y-%m-%d %H}h"


class SourceTrafficDay(Traffic):
    """How all repositories of a source that are public, or that are not, were used on a day, by whomever."""

    pk = models.CompositePrimaryKey("day", "source_id", "is_public", "action", "audience", "client", "platform")
    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="traffic_days"
    )
    is_public = models.BooleanField()
    day = models.DateField()

    def __str__(self) -> str:
        return f"{self.source} {self.action} {self.day}"


class Trace(models.Model):
    """What a client asked a repository for in two minutes, by which requests that belong together are told.

    `client` is a keyed hash of who asked and with which program; `slot` is the number of the two minutes since 1970;
    `asks` is what `sessions.encode` writes.
    """

    pk = models.CompositePrimaryKey("slot", "repository_id", "client")
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    client = models.BigIntegerField()
    slot = models.BigIntegerField()
    asks = models.TextField()
    changed_on = models.DateField()

    class Meta:
        indexes = (models.Index(fields=("changed_on",), name="trace_age"),)

    def __str__(self) -> str:
        return f"{self.client} {self.slot}"


class Puller(models.Model):
    """A client that pulled from a repository on a day, and how often.

    `who` is hashed with a key of that day, so that nobody can be followed from one day to the next.
    """

    pk = models.CompositePrimaryKey("day", "repository_id", "who")
    repository = models.ForeignKey(
        Repository, on_delete=models.CASCADE, db_index=False, db_constraint=False, related_name="+"
    )
    day = models.DateField()
    who = models.BigIntegerField()
    pulls = models.BigIntegerField()
    changed_on = models.DateField()

    class Meta:
        indexes = (models.Index(fields=("changed_on",), name="puller_age"),)

    def __str__(self) -> str:
        return f"{self.day} {self.who}"

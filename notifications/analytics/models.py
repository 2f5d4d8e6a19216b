"""Counters. Each is a view of the log and can be counted again from it.

They hang on the repository's id and the tag's name, so history stays when a tag moves, is deleted or pushed again.
Hours and days are those of the event, in UTC. Rows exist only where something was counted.
"""

from django.db import models

from registryhub.access.models import Repository
from registryhub.database.fields import BytewiseField


class Counts(models.Model):
    """What docs/counting.md defines; 64 bits each."""

    pulls = models.BigIntegerField(default=0)
    checks = models.BigIntegerField(default=0)
    pushes = models.BigIntegerField(default=0)

    class Meta:
        abstract = True


class Totals(Counts):
    """Counts since the beginning, and the latest of each kind."""

    last_pulled_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True, help_text="the last pull or check")
    last_pushed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


class RepositoryTotals(Totals):
    """The totals of a repository."""

    repository = models.OneToOneField(Repository, on_delete=models.CASCADE, primary_key=True, related_name="totals")

    class Meta:
        verbose_name_plural = "repository totals"
        indexes = (models.Index(fields=("-pulls",), name="repositorytotals_pulls"),)

    def __str__(self) -> str:
        return f"totals of {self.repository}"


class TagTotals(Totals):
    """The totals of a tag, whatever it has pointed at."""

    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, db_index=False, related_name="tag_totals")
    tag = BytewiseField(max_length=128)

    class Meta:
        verbose_name_plural = "tag totals"
        constraints = (models.UniqueConstraint(fields=("repository", "tag"), name="tagtotals_repository_tag"),)

    def __str__(self) -> str:
        return f"totals of {self.repository}:{self.tag}"


class RepositoryHour(Counts):
    """The counts of a repository in an hour."""

    pk = models.CompositePrimaryKey("repository_id", "hour")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, db_index=False, related_name="hours")
    hour = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("hour", "repository"), name="repositoryhour_hour"),)

    def __str__(self) -> str:
        return f"{self.repository} {self.hour:%Y-%m-%d %H}h"


class RepositoryDay(Counts):
    """The counts of a repository in a day."""

    pk = models.CompositePrimaryKey("repository_id", "day")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, db_index=False, related_name="days")
    day = models.DateField()

    class Meta:
        indexes = (models.Index(fields=("day", "repository"), name="repositoryday_day"),)

    def __str__(self) -> str:
        return f"{self.repository} {self.day}"


class TagHour(Counts):
    """The counts of a tag in an hour."""

    pk = models.CompositePrimaryKey("repository_id", "tag", "hour")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, db_index=False, related_name="tag_hours")
    tag = BytewiseField(max_length=128)
    hour = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("repository", "hour"), name="taghour_repository_hour"),)

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag} {self.hour:%Y-%m-%d %H}h"


class TagDay(Counts):
    """The counts of a tag in a day."""

    pk = models.CompositePrimaryKey("repository_id", "tag", "day")
    repository = models.ForeignKey(Repository, on_delete=models.CASCADE, db_index=False, related_name="tag_days")
    tag = BytewiseField(max_length=128)
    day = models.DateField()

    class Meta:
        indexes = (models.Index(fields=("repository", "day"), name="tagday_repository_day"),)

    def __str__(self) -> str:
        return f"{self.repository}:{self.tag} {self.day}"

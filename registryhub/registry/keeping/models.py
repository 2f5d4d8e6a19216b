"""What people say about keeping: which tags go, which never move, and how much a namespace may hold.

None of these rows is looked at where images are pulled. A push looks at what its process remembers of them
(`registryhub.registry.keeping.remembered`).
"""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from registryhub.database.fields import BytewiseField
from registryhub.database.leases import Leased
from registryhub.registry.keeping.patterns import check_glob, check_namespace, check_pattern
from registryhub.registry.keeping.words import span_in_words

MAX_NEWEST = 1000
MAX_PATTERN_LENGTH = 500
_GLOB_HELP = "a pattern over whole names: * is any text without /, ** any text, ? one character"
_RULE_NAME_HELP = "what people are told when the rule speaks"


class RetentionRule(models.Model):
    """Which tags are looked at, and which of those are kept.

    A tag that enabled rules look at and none of them keeps is deleted. So the order of rules does not matter: another
    rule can only look at more tags, and keep more of those.
    """

    name = models.CharField(max_length=100, unique=True, help_text=_RULE_NAME_HELP)
    repositories = BytewiseField(max_length=255, default="**", validators=[check_glob], help_text=_GLOB_HELP)
    tags = models.CharField(
        max_length=MAX_PATTERN_LENGTH,
        default=".*",
        validators=[check_pattern],
        help_text="a regular expression (RE2) over the whole tag",
    )
    keep_newest = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_NEWEST)],
        help_text="keeps so many of these tags in each repository, those that were pushed last",
    )
    pushed_within_seconds = models.PositiveBigIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="keeps what was pushed since then"
    )
    used_within_seconds = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="keeps what was pulled, asked for (HEAD) or pushed since then",
    )
    keeps_all = models.BooleanField(default=False, help_text="keeps all of these tags, whatever other rules say")
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name

    def kept_in_words(self) -> list[str]:
        """What it keeps, as a list may name it."""
        found = ["all of them"] if self.keeps_all else []
        if self.keep_newest is not None:
            found.append(f"the newest {self.keep_newest}")
        if self.pushed_within_seconds is not None:
            found.append(f"pushed within {span_in_words(self.pushed_within_seconds)}")
        if self.used_within_seconds is not None:
            found.append(f"used within {span_in_words(self.used_within_seconds)}")
        return found

    def clean(self) -> None:
        """Raises ValidationError for a rule that would keep nothing: it would delete all that it looks at."""
        kept = (self.keep_newest, self.pushed_within_seconds, self.used_within_seconds)
        if not self.keeps_all and all(each is None for each in kept):
            raise ValidationError(
                "The rule would keep nothing. Say how many of the newest it keeps, or what was pushed or used within"
                " which time, or that it keeps all."
            )


class RetentionRun(Leased):
    """Once through all repositories that rules look at. The row tells the next worker where one that died has been."""

    class State(models.TextChoices):
        WAITING = "waiting", "waiting"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    slot = models.CharField(max_length=100, unique=True, help_text="the time it stands for, or who asked when")
    requested_by = models.CharField(max_length=150, blank=True, help_text="empty: the clock")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    waits_for = models.TextField(blank=True, help_text="why it does not go on, or what it failed of")
    repository = BytewiseField(max_length=255, blank=True, help_text="all before this one are done")
    looked_at = models.BigIntegerField(default=0, help_text="tags; again those of a repository that is begun again")
    deleted = models.BigIntegerField(default=0, help_text="tags")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True, db_index=True)

    def __str__(self) -> str:
        return self.slot


class ImmutableRule(models.Model):
    """Tags that never move and are never deleted: once pushed they stay what they are."""

    name = models.CharField(max_length=100, unique=True, help_text=_RULE_NAME_HELP)
    repositories = BytewiseField(max_length=255, default="**", validators=[check_glob], help_text=_GLOB_HELP)
    tags = models.CharField(
        max_length=MAX_PATTERN_LENGTH,
        default=".*",
        validators=[check_pattern],
        help_text="a regular expression (RE2) over the whole tag",
    )
    except_tags = models.CharField(
        max_length=MAX_PATTERN_LENGTH,
        blank=True,
        validators=[check_pattern],
        help_text="tags that may move nevertheless, such as latest; the same kind of expression",
    )
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Quota(models.Model):
    """How many bytes the repositories of a namespace may hold together.

    `used_bytes` is the sum over these repositories of the sizes of all blobs that each links: a blob counts once in
    each repository. It changes in the transactions that link and unlink, so its row is locked last in them.
    """

    namespace = BytewiseField(
        max_length=255,
        unique=True,
        validators=[check_namespace],
        help_text="team: the repository team and all whose names begin with team/",
    )
    limit_bytes = models.BigIntegerField(validators=[MinValueValidator(0)])
    used_bytes = models.BigIntegerField(default=0, editable=False)
    counted_at = models.DateTimeField(
        default=timezone.now, editable=False, help_text="when it was last added up from the blobs themselves"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.namespace

    @property
    def percent(self) -> int:
        """How full it is, rounded down; more than 100 when the limit was lowered below what was there."""
        return 100 * self.used_bytes // self.limit_bytes if self.limit_bytes else 100

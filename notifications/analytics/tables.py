"""The tables of counters, as statements need them: unique columns, what is added up, and what only moves forward."""

from dataclasses import dataclass
from functools import cached_property

CLOCKS = ("last_pulled_at", "last_seen_at", "last_pushed_at")
NARROW = ("pulls", "checks", "pushes")
WIDE = (*NARROW, "excluded", "bytes")
USED = (*NARROW, "bytes")
TRAFFIC = ("action", "audience", "client", "platform")
USE = (*TRAFFIC, "actor")

WINDOWED: dict[str, tuple[str, ...]] = {
    "24h": ("pulls", "pushes", "bytes"),
    "7d": ("pulls", "pushes", "bytes", "pullers"),
    "30d": ("pulls", "pushes", "bytes", "pullers"),
    "90d": ("pulls", "pushes", "bytes", "pullers"),
}
"""What `RepositoryTotals` has of each window, as columns like `pulls_7d`."""

WINDOW_COLUMNS = tuple(f"{name}_{window}" for window, names in WINDOWED.items() for name in names)

_TYPES = {
    "repository_id": "bigint",
    "source_id": "bigint",
    "is_public": "boolean",
    "tag": "text",
    "digest": "text",
    **dict.fromkeys(USE, "text"),
    "hour": "timestamptz",
    "day": "date",
    "who": "bigint",
    **dict.fromkeys(CLOCKS, "timestamptz"),
}


@dataclass(frozen=True, eq=False)
class Table:
    """A table of counters."""

    name: str
    keys: tuple[str, ...]
    counts: tuple[str, ...]
    clocks: tuple[str, ...] = ()

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return (*self.keys, *self.counts, *self.clocks)

    @cached_property
    def optional(self) -> frozenset[str]:
        """Columns that may be left out where all rows have nothing to say."""
        return frozenset(self.counts + self.clocks) - frozenset(NARROW)

    @cached_property
    def position(self) -> dict[str, int]:
        """Where a number stands among the counts."""
        return {column: at for at, column in enumerate(self.counts)}

    @cached_property
    def moments(self) -> frozenset[str]:
        """Columns of times and dates."""
        return frozenset(name for name in self.columns if _TYPES.get(name) in ("timestamptz", "date"))

    @cached_property
    def types(self) -> tuple[str, ...]:
        """Of the columns, as PostgreSQL calls them."""
        return tuple(_TYPES.get(column, "bigint") for column in self.columns)


REPOSITORY_TOTALS = Table(
    "analytics_repositorytotals", ("repository_id",), (*WIDE, "pullers", *WINDOW_COLUMNS), clocks=CLOCKS
)
REPOSITORY_HOURS = Table("analytics_repositoryhour", ("hour", "repository_id"), WIDE)
REPOSITORY_DAYS = Table("analytics_repositoryday", ("day", "repository_id"), (*WIDE, "pullers"))
TAG_TOTALS = Table("analytics_tagtotals", ("repository_id", "tag"), NARROW, clocks=CLOCKS)
TAG_HOURS = Table("analytics_taghour", ("hour", "repository_id", "tag"), NARROW)
TAG_DAYS = Table("analytics_tagday", ("day", "repository_id", "tag"), NARROW)
DIGEST_TOTALS = Table("analytics_digesttotals", ("repository_id", "digest"), NARROW, clocks=CLOCKS)
DIGEST_HOURS = Table("analytics_digesthour", ("hour", "repository_id", "digest"), NARROW)
DIGEST_DAYS = Table("analytics_digestday", ("day", "repository_id", "digest"), NARROW)
USE_HOURS = Table("analytics_repositoryusehour", ("hour", "repository_id", *USE), USED)
USE_DAYS = Table("analytics_repositoryuseday", ("day", "repository_id", *USE), USED)
SOURCE_HOURS = Table("analytics_sourcehour", ("hour", "source_id", "is_public"), WIDE)
SOURCE_DAYS = Table("analytics_sourceday", ("day", "source_id", "is_public"), (*WIDE, "pullers"))
SOURCE_USE_HOURS = Table("analytics_sourceusehour", ("hour", "source_id", "is_public", *USE), USED)
SOURCE_USE_DAYS = Table("analytics_sourceuseday", ("day", "source_id", "is_public", *USE), USED)
SOURCE_TRAFFIC_HOURS = Table("analytics_sourcetraffichour", ("hour", "source_id", "is_public", *TRAFFIC), USED)
SOURCE_TRAFFIC_DAYS = Table("analytics_sourcetrafficday", ("day", "source_id", "is_public", *TRAFFIC), USED)

DAYS_OF: dict[Table, Table] = {
    REPOSITORY_HOURS: REPOSITORY_DAYS,
    TAG_HOURS: TAG_DAYS,
    DIGEST_HOURS: DIGEST_DAYS,
    USE_HOURS: USE_DAYS,
    SOURCE_HOURS: SOURCE_DAYS,
    SOURCE_USE_HOURS: SOURCE_USE_DAYS,
    SOURCE_TRAFFIC_HOURS: SOURCE_TRAFFIC_DAYS,
}
"""Where hours are added up when their day is over."""

TOTALS_OF: dict[Table, Table] = {
    REPOSITORY_HOURS: REPOSITORY_TOTALS,
    TAG_HOURS: TAG_TOTALS,
    DIGEST_HOURS: DIGEST_TOTALS,
}
"""Where hours are added up for all time."""

SOURCES_OF: tuple[tuple[Table, Table], ...] = (
    (REPOSITORY_HOURS, SOURCE_HOURS),
    (USE_HOURS, SOURCE_USE_HOURS),
    (USE_HOURS, SOURCE_TRAFFIC_HOURS),
)
"""Where the hours of repositories are added up by source; what the sums do not tell apart comes last in their keys."""

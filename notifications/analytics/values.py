"""What can be asked of which table, as the parts of a statement."""

from collections.abc import Mapping, Sequence

from notifications.analytics.classify import COUNTED
from notifications.analytics.tables import (
    DIGEST_HOURS,
    REPOSITORY_HOURS,
    SOURCE_HOURS,
    SOURCE_TRAFFIC_HOURS,
    SOURCE_USE_HOURS,
    TAG_HOURS,
    USE,
    USE_HOURS,
    Table,
)

VALUES = ("pulls", "checks", "pushes", "excluded", "bytes", "pullers", "requests")
"""The numbers of a point; of some tables some are not known."""

_AUDIENCES = ", ".join(f"'{audience}'" for audience in sorted(COUNTED))
_IS_COUNTED = f"audience IN ({_AUDIENCES})"
_IS_PULL = f"action IN ('pull_tag', 'pull_digest') AND {_IS_COUNTED}"

_NARROW = {"pulls": "pulls", "checks": "checks", "pushes": "pushes"}
_WIDE = {**_NARROW, "excluded": "excluded", "bytes": "bytes", "pullers": "{pullers}"}
_USED = {
    "pulls": f"CASE WHEN {_IS_PULL} THEN pulls ELSE 0 END",
    "checks": f"CASE WHEN {_IS_COUNTED} THEN checks ELSE 0 END",
    "pushes": "pushes",
    "excluded": "CASE WHEN action IN ('pull_tag', 'pull_digest', 'referrer')"
    f" AND NOT ({_IS_PULL}) THEN pulls ELSE 0 END",
    "bytes": "bytes",
    "requests": "pulls + checks + pushes",
}
_OF_PLATFORMS = {"pulls": "pulls", "bytes": "bytes", "requests": "pulls"}

FETCHED = "action = 'fetch' AND platform <> ''"
"""Platforms are told of manifests that went out to those whose pulls count."""


def table_for(names: Sequence[str], *, is_of_repositories: bool) -> Table:
    """The smallest one that knows all these keys."""
    if "tag" in names:
        return TAG_HOURS
    if "digest" in names:
        return DIGEST_HOURS
    if set(USE) & set(names):
        if is_of_repositories:
            return USE_HOURS
        return SOURCE_USE_HOURS if "actor" in names else SOURCE_TRAFFIC_HOURS
    return REPOSITORY_HOURS if is_of_repositories else SOURCE_HOURS


def values_of(table: Table, names: Sequence[str]) -> Mapping[str, str]:
    """The numbers it knows, in the database's words."""
    if table in (TAG_HOURS, DIGEST_HOURS):
        return _NARROW
    if table in (REPOSITORY_HOURS, SOURCE_HOURS):
        return _WIDE
    return _OF_PLATFORMS if "platform" in names else _USED

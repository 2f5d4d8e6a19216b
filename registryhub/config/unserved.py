"""The keys of the reference that this version does not serve. They are refused by name, never silently accepted.

Serving a section means writing its model and removing its rows here; nothing else changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """Keys of one section (dotted, empty for the top), and what to set instead where there is something."""

    section: str
    keys: str
    instead: str = ""

    def paths(self) -> Iterator[str]:
        """The dotted path of each key."""
        for key in self.keys.split():
            yield f"{self.section}.{key}" if self.section else key


UNSERVED = (
    Row("", "loglevel", "set log.level instead"),
    Row("", "middleware reporting compatibility"),
    Row("middleware", "registry repository storage"),
    Row("reporting", "bugsnag newrelic"),
    Row("compatibility", "schema1"),
    Row("log", "formatter fields reportcaller accesslog hooks"),
    Row("http", "net draintimeout tls http2 h2c"),
    Row("storage", "inmemory s3 s3aws azure gcs swift oss", "the filesystem driver is served"),
    Row("storage", "cache redirect tag"),
    Row("storage.filesystem", "maxthreads"),
    Row("auth", "silly"),
    Row("auth.token", "realm issuer service rootcertbundle jwks autoredirect autoredirectpath signingalgorithms"),
    Row(
        "redis",
        "addr addrs clientname db protocol username password sentinelusername sentinelpassword maxretries "
        "minretrybackoff maxretrybackoff dialtimeout readtimeout writetimeout contexttimeoutenabled poolfifo pool "
        "poolsize pooltimeout minidleconns maxidleconns maxactiveconns connmaxidletime connmaxlifetime maxredirects "
        "readonly routebylatency routerandomly mastername disableidentity identitysuffix unstableresp3 tls",
        "set hub.redis.url or REDIS_URL instead",
    ),
    Row("health", "storagedriver file http tcp"),
    Row("proxy", "remoteurl username password exec ttl cachewritetimeout"),
)

_BY_PATH = {path: row for row in UNSERVED for path in row.paths()}


def find_row(path: str) -> Row | None:
    """The row of a dotted path: of the key itself, or of the section whose first key it heads."""
    return _BY_PATH.get(path) or next((row for row in UNSERVED if is_within(row.section, path)), None)


def is_within(path: str, section: str) -> bool:
    """Whether a dotted path is the section or lies below it."""
    return path == section or path.startswith(f"{section}.")


def names_below(section: str) -> list[str]:
    """The unserved names directly below a dotted section (empty for the top)."""
    prefix = f"{section}." if section else ""
    below = (path.removeprefix(prefix) for path in _BY_PATH if path.startswith(prefix))
    return list(dict.fromkeys(rest.partition(".")[0] for rest in below))


def refusal(path: str) -> str | None:
    """Why the key at a dotted path is refused, with the mend; None when the table does not know it."""
    row = find_row(path)
    if row is None:
        return None
    return f"is not served yet; remove it ({row.instead})" if row.instead else "is not served yet; remove it"

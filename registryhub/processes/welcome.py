"""What `serve` says when it starts: where everything is, and the administrator's password the first time."""

from collections.abc import Collection
from pathlib import Path

from registryhub.config.model import Config
from registryhub.processes.addresses import Place
from registryhub.processes.administrator import NAME

_ANY = frozenset(("0.0.0.0", "::"))  # noqa: S104 - compared with, not bound


def welcome(config: Config, *, place: Place, data: Path, roles: Collection[str], password: str | None) -> str:
    """The block of lines. `password` says what is to be said of an administrator made just now."""
    base = base_url(config, place)
    lines: dict[str, str] = {}
    if "web" in roles:
        lines |= {
            "Web UI": f"{base}/",
            "Registry": f"{base}{config.http.prefix}v2/",
            "API": f"{base}/api/v1/docs",
            "Listening on": f"{place}{' (every interface)' if place.host in _ANY else ''}",
        }
    if config.http.debug.addr:
        lines["Debug server"] = f"{config.http.debug.addr}, without a login"
    lines |= {"Roles": ", ".join(roles), "Data folder": str(data), "Database": database_name(config)}
    if password is not None:
        lines["Administrator"] = f"{NAME}, password {password}"
    width = max(map(len, lines)) + 2
    return "\n".join(["RegistryHub", *(f"  {name:<{width}}{value}" for name, value in lines.items()), ""])


def base_url(config: Config, place: Place) -> str:
    """Where browsers and clients find the hub, without a slash at the end: `http.host`, else the address itself."""
    if config.http.host:
        return str(config.http.host).rstrip("/")
    host = "127.0.0.1" if place.host in _ANY else place.host
    return f"http://{Place(place.family, host, place.port)}"


def database_name(config: Config) -> str:
    """The file, or the URL without its password."""
    url = str(config.hub.database.url)
    kind, _, path = url.partition(":///")
    return f"SQLite, {path}" if kind == "sqlite" else url


def warnings(config: Config, place: Place) -> str:
    """What must be said loudly: what is probably not meant, and that everybody may do everything with the images."""
    lines = [str(problem) for problem in config.warnings]
    if config.is_open:
        lines += [
            f"the registry is open: whoever reaches {place} can push, pull and delete images;",
            "set auth.htpasswd in the configuration, or let http.addr listen on 127.0.0.1 only",
        ]
    if config.http.debug.is_open:
        lines.append(
            f"whoever reaches {config.http.debug.addr} reads the metrics and settings of this hub without a login;"
            " let http.debug.addr listen on 127.0.0.1 only, or keep others out by a firewall"
        )
    return "".join(f"WARNING  {line}\n" for line in lines)

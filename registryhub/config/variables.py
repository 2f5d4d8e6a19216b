"""Which key the name of a `REGISTRY_*` variable means, and which name a key has."""

from collections.abc import Sequence
from typing import Any

from registryhub.config.document import Items, Node, Table, child
from registryhub.config.errors import KeyPath, join_key
from registryhub.config.model import Config
from registryhub.config.schema import fields_of, item_type, value_type
from registryhub.config.section import Section, section_type
from registryhub.config.unserved import names_below, refusal

PREFIX = "REGISTRY_"

# The reference names these by its own fields, not as its YAML does; both are understood.
_INTERNAL_NAMES = {
    "notifications.eventconfig": "notifications.events",
    "health.filecheckers": "health.file",
    "health.httpcheckers": "health.http",
    "health.tcpcheckers": "health.tcp",
    "redis.options": "redis",
}


class UnrecognizedError(Exception):
    """The name leads to no key."""


class RefusedError(Exception):
    """The name leads to a key that cannot be set so; the text holds the mend."""

    def __init__(self, path: KeyPath, message: str) -> None:
        super().__init__(message)
        self.key = join_key(path)


def variable_name(path: KeyPath) -> str:
    """The variable that sets a key: `http.addr` is set by `REGISTRY_HTTP_ADDR`."""
    return PREFIX + "_".join(str(part).upper() for part in path)


def find_target(name: str, tree: Node) -> tuple[KeyPath, Any]:
    """The key path that a variable means in this tree, and the type of its value.

    Raises UnrecognizedError, or RefusedError for keys that are not served and items that no list can have.
    """
    return _find(Config, tree, (), name.removeprefix(PREFIX).split("_"))


def _find(annotation: Any, here: Node | None, path: KeyPath, segments: Sequence[str]) -> tuple[KeyPath, Any]:
    if not segments:
        return path, annotation
    if (section := section_type(annotation)) is not None:
        return _find_field(section, here, path, segments)
    if (item := item_type(annotation)) is not None:
        index = _index(here, path, segments[0])
        return _find(item, child(here, index), (*path, index), segments[1:])
    if (value := value_type(annotation)) is not None:
        return _find_free_key(value, here, path, segments)
    raise UnrecognizedError


def _find_field(
    section: type[Section], here: Node | None, path: KeyPath, segments: Sequence[str]
) -> tuple[KeyPath, Any]:
    """The longest name wins, so that keys with an underscore are found."""
    fields = fields_of(section)
    for count in range(len(segments), 0, -1):
        name, rest = "_".join(segments[:count]), segments[count:]
        key = _yaml_name(path, name)
        if key in fields:
            return _find(fields[key].annotation, child(here, key), (*path, key), rest)
        if key in names_below(_dotted(path)):
            _refuse_unserved((*path, key), rest)
    raise UnrecognizedError


def _yaml_name(path: KeyPath, name: str) -> str | None:
    """The key that an upper-case segment stands for."""
    if name != name.upper():
        return None
    dotted = ".".join(part for part in (_dotted(path), name.lower()) if part)
    return _INTERNAL_NAMES.get(dotted, dotted).rpartition(".")[2]


def _dotted(path: KeyPath) -> str:
    return ".".join(part for part in path if isinstance(part, str))


def _refuse_unserved(path: KeyPath, segments: Sequence[str]) -> None:
    """Raise RefusedError, but UnrecognizedError for a name that the reference would not know either.

    Kubernetes sets `REGISTRY_REDIS_PORT` for a service `registry-redis`: that must not stop the hub.
    """
    below = names_below(_dotted(path))
    if segments and below:
        key = _yaml_name(path, segments[0])
        if key not in below and (*path[:-1], key) != path:
            raise UnrecognizedError
        return _refuse_unserved((*path, key) if key in below else path, segments[1:])
    raise RefusedError(path, refusal(_dotted(path)) or "")


def _index(here: Node | None, path: KeyPath, segment: str) -> int:
    length = len(here) if isinstance(here, Items) else 0
    if not is_index(segment):
        raise RefusedError(path, f"is a list; name an item by its number, such as {variable_name((*path, length))}")
    if int(segment) > length:
        raise RefusedError(path, f"has {length} items; the next one is {variable_name((*path, length))}")
    return int(segment)


def is_index(segment: str) -> bool:
    """Whether a segment of a name is the number of a list's item."""
    return segment.isascii() and segment.isdigit() and len(segment) < 10


def _find_free_key(value: Any, here: Node | None, path: KeyPath, segments: Sequence[str]) -> tuple[KeyPath, Any]:
    """A key that is there already, whatever its case; else a new one in lower case, as the reference does."""
    existing = {key.lower(): key for key in here} if isinstance(here, Table) else {}
    whole = "_".join(segments).lower()
    if whole not in existing and item_type(value) is not None and len(segments) > 1 and is_index(segments[-1]):
        name = "_".join(segments[:-1]).lower()
        key = existing.get(name, name)
        return _find(value, child(here, key), (*path, key), segments[-1:])
    return (*path, existing.get(whole, whole)), value

"""`REGISTRY_*` variables on top of the file, and the few that every host knows (`DATABASE_URL`, `SECRET_KEY` …).

The rest of a `REGISTRY_` name is split at underscores into keys: `REGISTRY_HTTP_ADDR` is `http.addr`. A list takes
a number, and its own length appends. Values are read as YAML, except where the key wants text.
"""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from registryhub.config.document import Items, Node, Scalar, Table, child, parse_document
from registryhub.config.errors import KeyPath, Origin, Problem, join_key
from registryhub.config.model import Config
from registryhub.config.schema import find_section, is_textual, leaves
from registryhub.config.variables import PREFIX, RefusedError, UnrecognizedError, find_target, is_index, variable_name

CONFIGURATION_PATH = "REGISTRY_CONFIGURATION_PATH"
_WITHOUT_EFFECT = "REGISTRY_VERSION"
_PLAIN: dict[str, KeyPath] = {"HUB_DATA": ("hub", "data")}
_PLAIN_OR_FILE: dict[str, KeyPath] = {
    "DATABASE_URL": ("hub", "database", "url"),
    "REDIS_URL": ("hub", "redis", "url"),
    "SECRET_KEY": ("hub", "secret_key"),
}
PLAIN_VARIABLES = _PLAIN | _PLAIN_OR_FILE | {f"{name}_FILE": path for name, path in _PLAIN_OR_FILE.items()}


@dataclass(slots=True)
class Overlay:
    """Puts the environment into a tree; collects what is wrong with it."""

    tree: Table
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def apply(self, environ: Mapping[str, str]) -> None:
        """Every variable that concerns the configuration, parents before their children."""
        names = [name for name in environ if name.startswith(PREFIX) and name != CONFIGURATION_PATH]
        for name in sorted(names, key=_order):
            self._apply_registry(name, environ[name])
        for name, path in _PLAIN.items():
            self._set_text(name, path, environ.get(name))
        for name, path in _PLAIN_OR_FILE.items():
            self._apply_or_file(name, path, environ)

    def _apply_registry(self, name: str, value: str) -> None:
        if name == _WITHOUT_EFFECT:
            self.warnings.append(
                Problem("has no effect; the version stands in the file", "version", Origin(None, name))
            )
            return
        try:
            path, annotation = find_target(name, self.tree)
        except UnrecognizedError:
            self.warnings.append(Problem(_ignored(name), "", Origin(None, name)))
        except RefusedError as error:
            self.problems.append(Problem(str(error), error.key, Origin(None, name)))
        else:
            if (node := self._read(name, value, path, annotation)) is not None:
                self._set(path, node, name)

    def _read(self, name: str, value: str, path: KeyPath, annotation: Any) -> Node | None:
        if is_textual(annotation):
            return Scalar(value, value, Origin(None, name), path)
        node, problems = parse_document(value, variable=name, path=path)
        self.problems.extend(problems)
        return node

    def _apply_or_file(self, name: str, path: KeyPath, environ: Mapping[str, str]) -> None:
        file_name = f"{name}_FILE"
        value, file = environ.get(name), environ.get(file_name)
        if value and file:
            message = f"is set together with {name}; remove one of them"
            self.problems.append(Problem(message, join_key(path), Origin(None, file_name)))
        elif file:
            self._set_text(file_name, path, self._read_file(file_name, path, file))
        else:
            self._set_text(name, path, value)

    def _read_file(self, name: str, path: KeyPath, file: str) -> str | None:
        try:
            text = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            self.problems.append(
                Problem(f"names {file}, which cannot be read: {reason}", join_key(path), Origin(None, name))
            )
            return None
        if not text:
            self.problems.append(Problem(f"names {file}, which is empty", join_key(path), Origin(None, name)))
        return text

    def _set_text(self, name: str, path: KeyPath, text: str | None) -> None:
        if text:
            self._set(path, Scalar(text, text, Origin(None, name), path), name)

    def _set(self, path: KeyPath, node: Node, name: str) -> None:
        """Put the node in its place; where the file has the wrong kind there, the file's mistake stays to be told."""
        here: Node = self.tree
        for depth, part in enumerate(path[:-1], start=1):
            found = child(here, part)
            section = find_section(Config, path[:depth])
            if isinstance(found, Scalar) and section is not None:
                found = section.expand(found)
            if found is None or (isinstance(found, Scalar) and found.is_null):
                found = _container_for(path[depth], Origin(None, name))
            if not _put(here, part, found):
                return
            here = found
        _put(here, path[-1], node)


def _ignored(name: str) -> str:
    known = [variable_name(path) for path, _ in leaves(Config)]
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.9)
    return f"is no key of the configuration and ignored{f'; did you mean {nearest[0]}?' if nearest else ''}"


def _order(name: str) -> list[tuple[bool, int, str]]:
    """Byte order, but `10` after `2`, so that list items arrive in their order."""
    return [(not is_index(part), int(part) if is_index(part) else 0, part) for part in name.split("_")]


def _container_for(part: str | int, origin: Origin) -> Node:
    return Items(origin) if isinstance(part, int) else Table(origin)


def _put(node: Node, part: str | int, value: Node) -> bool:
    if isinstance(node, Table) and isinstance(part, str):
        node[part] = value
    elif isinstance(node, Items) and isinstance(part, int):
        node[part : part + 1] = [value]
    else:
        return False
    return True

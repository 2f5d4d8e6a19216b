"""From the tree to a `Config`: every mistake becomes a problem with its key, its place and its mend."""

import difflib
from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from registryhub.config.crosscheck import crosscheck
from registryhub.config.document import Node, child
from registryhub.config.errors import ConfigError, KeyPath, Origin, Problem, join_key
from registryhub.config.model import Config
from registryhub.config.schema import fields_of, find_section, leaves
from registryhub.config.unserved import UNSERVED, names_below, refusal

_MESSAGES = {
    "missing": "is missing; write it",
    "tuple_type": "must be a list, such as [a, b]",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "string_type": "must be text",
}


def validate(tree: Node) -> Config:
    """The configuration that the tree holds, with its warnings. Raises ConfigError with every problem."""
    warnings: list[Problem] = []
    problems = list(crosscheck(tree))
    try:
        config = Config.model_validate(tree, context=warnings)
    except ValidationError as error:
        problems += [_explain(details, tree) for details in error.errors(include_url=False)]
    if problems:
        raise ConfigError(problems)
    if config.is_open:
        message = (
            "everybody who reaches this address can push, pull and delete; set auth.htpasswd or listen on 127.0.0.1"
        )
        warnings.append(Problem(message, "http.addr", origin_of(tree, ("http", "addr"))))
    return config.with_warnings(warnings)


def origin_of(tree: Node, path: KeyPath) -> Origin:
    """Where the key was written; for one that was not, where the nearest section around it was."""
    origin, node = Origin(), tree
    for part in path:
        found = child(node, part)
        if found is None:
            break
        origin, node = found.origin, found
    return origin


def _explain(details: ErrorDetails, tree: Node) -> Problem:
    path = tuple(part for part in details["loc"] if part != "[key]")
    return Problem(explain(details, path), join_key(path), origin_of(tree, path))


def explain(details: ErrorDetails, path: KeyPath) -> str:
    """What is wrong with the key, and the mend."""
    kind, context = details["type"], details.get("ctx", {})
    if kind == "extra_forbidden":
        return refuse_key(path)
    if kind == "literal_error":
        return f"must be {context['expected']}"
    if kind == "value_error":
        return str(context.get("error") or context.get("message"))
    return _MESSAGES.get(kind, details["msg"])


def refuse_key(path: KeyPath) -> str:
    """Why a key that the model does not know is refused: not served yet, or unknown, with the nearest known."""
    section = tuple(part for part in path[:-1] if isinstance(part, str))
    name = str(path[-1])
    if message := refusal(".".join((*section, name))):
        return message
    known = [*_names(path[:-1]), *names_below(".".join(section))]
    nearest = difflib.get_close_matches(name.lower(), known, n=1)
    if nearest:
        return f"is unknown; did you mean {nearest[0]}?"
    if elsewhere := [key for key in _all_keys() if key.rpartition(".")[2] == name]:
        return f"is unknown here; did you mean {elsewhere[0]}?"
    return f"is unknown; remove it (known here: {', '.join(_names(path[:-1]))})"


def _names(path: KeyPath) -> list[str]:
    section = find_section(Config, path)
    return list(fields_of(section)) if section else []


def _all_keys() -> Iterable[str]:
    yield from (".".join(part for part in path if part != "0") for path, _ in leaves(Config))
    yield from (path for row in UNSERVED for path in row.paths())

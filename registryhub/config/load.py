"""The door: a file and an environment become one `Config`, or one error that tells everything at once."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from registryhub.config.document import LARGEST_DOCUMENT_BYTES, Node, Scalar, Table, child, parse_document
from registryhub.config.environment import CONFIGURATION_PATH, Overlay
from registryhub.config.errors import ConfigError, Origin, Problem
from registryhub.config.hub import DEFAULT_DATA
from registryhub.config.model import Config, Filesystem, Storage
from registryhub.config.validate import validate

# What `make run` serves: the reference's sample on this machine only, with everything in the data folder.
DEFAULT_DOCUMENT = """\
version: 0.1
storage:
  filesystem:
  delete:
    enabled: true
http:
  addr: 127.0.0.1:5000
"""


def find_path(argument: str | None, environ: Mapping[str, str]) -> Path | None:
    """The file to read: the argument, else what the environment names, else None for the embedded default."""
    named = argument or environ.get("REGISTRYHUB_CONFIG") or environ.get(CONFIGURATION_PATH)
    return Path(named) if named else None


def load_config(path: Path | None, environ: Mapping[str, str]) -> Config:
    """The configuration of a file (None: the embedded default) and the environment on top of it.

    Raises ConfigError with every problem.
    """
    tree, problems = parse_document(DEFAULT_DOCUMENT if path is None else _read(path))
    if tree is None:
        raise ConfigError(_in_file(problems, path))
    if isinstance(tree, Scalar) and tree.is_null:
        tree = Table(Origin())
    if not isinstance(tree, Table):
        raise ConfigError([Problem("must be a mapping of keys, beginning with version: 0.1", file=path)])
    overlay = Overlay(tree, problems)
    overlay.apply(environ)
    if path is None:
        _keep_files_in_data(tree)
    config = _validated(tree, overlay.problems, path)
    return config.with_warnings(_in_file((*overlay.warnings, *config.warnings), path))


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_DOCUMENT_BYTES + 1)
    except OSError as error:
        raise ConfigError([Problem(f"cannot be read: {error.strerror}; name a config.yml", file=path)]) from None
    if len(data) > LARGEST_DOCUMENT_BYTES:
        raise ConfigError([Problem("is larger than 1 MiB; name a config.yml", file=path)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        origin = Origin(data.count(b"\n", 0, error.start) + 1)
        raise ConfigError([Problem("is no UTF-8 text; save it as UTF-8", origin=origin, file=path)]) from None


def _validated(tree: Node, problems: list[Problem], path: Path | None) -> Config:
    try:
        config = validate(tree)
    except ConfigError as error:
        raise ConfigError(_in_file((*error.problems, *problems), path)) from None
    if problems:
        raise ConfigError(_in_file(problems, path))
    return config


def _in_file(problems: Iterable[Problem], path: Path | None) -> list[Problem]:
    """The problems with the file's name where the file is to blame, in the order of its lines."""
    placed = (problem if problem.variable else replace(problem, file=path) for problem in problems)
    return sorted(placed, key=lambda problem: (problem.variable or "", problem.line or 0))


def _keep_files_in_data(tree: Table) -> None:
    """Without a file the blobs are in the data folder, unless the environment says otherwise."""
    storage = tree["storage"]
    if isinstance(storage, Scalar):
        storage = tree["storage"] = Storage.expand(storage)
    filesystem = child(storage, "filesystem")
    if isinstance(filesystem, Scalar):
        filesystem = Filesystem.expand(filesystem)
    if not isinstance(storage, Table) or not isinstance(filesystem, Table):
        return
    data = child(child(tree, "hub"), "data")
    folder = f"{data.text if isinstance(data, Scalar) else DEFAULT_DATA}/registry"
    root = Scalar(folder, folder, Origin(), ("storage", "filesystem", "rootdirectory"))
    filesystem.setdefault("rootdirectory", root)
    storage["filesystem"] = filesystem

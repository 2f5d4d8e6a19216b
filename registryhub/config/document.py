"""A YAML document as a tree that remembers where each value was written.

Scalars keep their text beside their YAML 1.1 value, so that the reader of a key decides what it wants: `realm: 123` is
the text "123", `threshold: 123` the number.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

import yaml

from registryhub.config.errors import KeyPath, Origin, Problem, join_key

LARGEST_DOCUMENT_BYTES = 1 << 20
_MOST_VALUES = 100_000
_MERGE_TAG = "tag:yaml.org,2002:merge"
_YAML_TAG = "tag:yaml.org,2002:"
_TYPED_TAGS = {f"{_YAML_TAG}{name}" for name in ("null", "bool", "int", "float")}


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value: `text` as written, `value` as YAML 1.1 reads it (None, bool, int, float or str)."""

    text: str
    value: object
    origin: Origin
    path: KeyPath

    @property
    def is_null(self) -> bool:
        """Whether nothing, or an explicit null, was written."""
        return self.value is None


class Table(dict[str, "Node"]):
    """A mapping; each entry's own origin is the place of its key."""

    def __init__(self, origin: Origin) -> None:
        super().__init__()
        self.origin = origin


class Items(list["Node"]):
    """A list."""

    def __init__(self, origin: Origin) -> None:
        super().__init__()
        self.origin = origin


Node: TypeAlias = Scalar | Table | Items


def child(node: Node | None, part: str | int) -> Node | None:
    """The child of a node, if it has that child."""
    if isinstance(node, Table) and isinstance(part, str):
        return node.get(part)
    if isinstance(node, Items) and isinstance(part, int) and part < len(node):
        return node[part]
    return None


def parse_document(text: str, *, variable: str | None = None, path: KeyPath = ()) -> tuple[Node | None, list[Problem]]:
    """The tree of a YAML text, and every problem found in it; no tree and one problem when the syntax is broken.

    With `variable` the text is the value of that environment variable, to be placed at `path`.
    """
    reader = _Reader(variable)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        node = reader.read(root, path, Origin(variable=variable)) if root else reader.null(path)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        reader.report(f"is no valid YAML: {error.problem}{_context(error)}", path, line)
    except yaml.reader.ReaderError as error:
        reader.report(f"is no valid YAML: {error.reason}", path, text.count("\n", 0, error.position) + 1)
    except RecursionError:
        reader.report("is nested too deeply", path, None)
    else:
        return node, reader.problems
    return None, reader.problems


@dataclass(slots=True)
class _Reader:
    variable: str | None
    problems: list[Problem] = field(default_factory=list)
    _count: int = 0
    _open: set[int] = field(default_factory=set)

    def origin(self, line: int | None) -> Origin:
        return Origin(variable=self.variable) if self.variable else Origin(line=line)

    def report(self, message: str, path: KeyPath, line: int | None) -> None:
        self.problems.append(Problem(message, join_key(path), self.origin(line)))

    def null(self, path: KeyPath) -> Scalar:
        return Scalar("", None, self.origin(None), path)

    def read(self, node: yaml.Node, path: KeyPath, origin: Origin) -> Node:
        """The tree below a YAML node; aliases are copied, each with its own path."""
        self._count += 1
        if id(node) in self._open:
            self.report("contains itself by an alias; write the value out", path, origin.line)
            return self.null(path)
        if self._count > _MOST_VALUES:
            if self._count == _MOST_VALUES + 1:
                self.report(f"holds more than {_MOST_VALUES} values; use fewer aliases", path, origin.line)
            return self.null(path)
        self._open.add(id(node))
        try:
            return self._read_kind(node, path, origin)
        finally:
            self._open.discard(id(node))

    def _read_kind(self, node: yaml.Node, path: KeyPath, origin: Origin) -> Node:
        if not node.tag.startswith(_YAML_TAG):
            self.report(f"has the tag {node.tag}; remove it", path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._read_mapping(node, path, origin)
        if isinstance(node, yaml.SequenceNode):
            items = Items(origin)
            for index, child in enumerate(node.value):
                items.append(self.read(child, (*path, index), self.origin(child.start_mark.line + 1)))
            return items
        text = str(node.value)
        return Scalar(text, _value_of(node, text), origin, path)

    def _read_mapping(self, node: yaml.MappingNode, path: KeyPath, origin: Origin) -> Table:
        table, merged = Table(origin), Table(origin)
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag == _MERGE_TAG:
                self._merge(merged, value_node, path, line)
            elif not isinstance(key_node, yaml.ScalarNode):
                self.report("has a list or mapping as a key; write a plain key", path, line)
            elif key_node.value in lines:
                first = lines[key_node.value]
                self.report(f"is written twice, first on line {first}; keep one", (*path, key_node.value), line)
            else:
                lines[key_node.value] = line
                table[key_node.value] = self.read(value_node, (*path, key_node.value), self.origin(line))
        for key, value in merged.items():
            table.setdefault(key, value)
        return table

    def _merge(self, merged: Table, node: yaml.Node, path: KeyPath, line: int) -> None:
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            tree = self.read(source, path, self.origin(line))
            if not isinstance(tree, Table):
                self.report("merges (<<) something that is no mapping", path, line)
                continue
            for key, value in tree.items():
                merged.setdefault(key, value)


def _context(error: yaml.MarkedYAMLError) -> str:
    """Where the broken thing began: the end of a file says little about a bracket left open on line 3."""
    return f" ({error.context} of line {error.context_mark.line + 1})" if error.context and error.context_mark else ""


def _value_of(node: yaml.Node, text: str) -> object:
    if node.tag not in _TYPED_TAGS:
        return text
    constructor = yaml.constructor.SafeConstructor()
    try:
        return constructor.construct_object(node)
    except (ValueError, yaml.YAMLError):
        return text

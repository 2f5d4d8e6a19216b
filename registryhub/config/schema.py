"""Walking the model: which keys a section knows, and what kind of value each takes."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from registryhub.config.errors import KeyPath
from registryhub.config.section import Section, bare_type, section_type


def fields_of(section: type[Section]) -> dict[str, FieldInfo]:
    """The fields of a section by the key that is written in YAML."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def item_type(annotation: Any) -> Any | None:
    """The type of a list's items, if the annotation is a list (a tuple of any length)."""
    bare = bare_type(annotation)
    return get_args(bare)[0] if get_origin(bare) is tuple else None


def value_type(annotation: Any) -> Any | None:
    """The type of a map's values, if the annotation is a map with free keys."""
    bare = bare_type(annotation)
    return get_args(bare)[1] if get_origin(bare) is dict else None


def is_textual(annotation: Any) -> bool:
    """Whether the value is taken as it is written; numbers, booleans, lists and maps are read as YAML."""
    return (
        section_type(annotation) is None
        and item_type(annotation) is None
        and value_type(annotation) is None
        and bare_type(annotation) not in (bool, int, float)
    )


def find_section(root: type[Section], path: KeyPath) -> type[Section] | None:
    """The section at a key path, if the path leads to one."""
    annotation: Any = root
    for part in path:
        section = section_type(annotation)
        if isinstance(part, int):
            annotation = item_type(annotation)
        elif section is not None and part in fields_of(section):
            annotation = fields_of(section)[part].annotation
        else:
            return None
    return section_type(annotation)


def leaves(root: type[Section], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], FieldInfo]]:
    """Every key that takes a value, in the order of the model; the items of a list of sections under `0`."""
    for key, field in fields_of(root).items():
        here = (*path, key)
        item = item_type(field.annotation)
        if section := section_type(field.annotation):
            yield from leaves(section, here)
        elif item is not None and (section := section_type(item)):
            yield from leaves(section, (*here, "0"))
        else:
            yield here, field

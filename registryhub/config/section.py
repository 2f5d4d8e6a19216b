"""What every section of the configuration is: a frozen record that refuses what it does not know."""

import types
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from registryhub.config.document import Node, Scalar, Table


class Section(BaseModel):
    """A mapping of known keys. What is written as null counts as not written."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    named_by_text: ClassVar[bool] = False
    """Whether a bare text names the only key, as in `storage: filesystem`."""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, data: object) -> object:
        if isinstance(data, Scalar):
            data = cls.expand(data)
        return cls.prepare(cls._without_nulls(data)) if isinstance(data, dict) else data

    @classmethod
    def expand(cls, scalar: Scalar) -> Node:
        """The mapping that a lone scalar stands for; the scalar itself when it stands for none."""
        table = Table(scalar.origin)
        if scalar.is_null:
            return table
        if cls.named_by_text:
            table[scalar.text] = Scalar("", None, scalar.origin, (*scalar.path, scalar.text))
            return table
        return scalar

    @classmethod
    def prepare(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Fill in what follows from other keys, before the fields are read. Raises ValueError with the mend."""
        return data

    @classmethod
    def _without_nulls(cls, data: dict[str, Any]) -> dict[str, Any]:
        plain = {
            field.alias or name for name, field in cls.model_fields.items() if section_type(field.annotation) is None
        }
        return {
            key: value
            for key, value in data.items()
            if not (key in plain and (value is None or (isinstance(value, Scalar) and value.is_null)))
        }


def bare_type(annotation: Any) -> Any:
    """The type itself, without `Annotated` and without `| None`."""
    if get_origin(annotation) is Annotated:
        return bare_type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return bare_type(next(part for part in get_args(annotation) if part is not type(None)))
    return annotation


def section_type(annotation: Any) -> type[Section] | None:
    """The section that the annotation names, if it names one."""
    bare = bare_type(annotation)
    return bare if isinstance(bare, type) and issubclass(bare, Section) else None


def wrong_at(*path: str | int, message: str) -> ValidationError:
    """The error of one key below the section that is being read, for checks that look at several keys at once."""
    error = PydanticCustomError("value_error", "{message}", {"message": message})
    return ValidationError.from_exception_data(
        "section", [InitErrorDetails(type=error, loc=path, input=None)], hide_input=True
    )

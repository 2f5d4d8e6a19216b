"""The kinds of values that keys take. Each reads a scalar of the document or a plain Python value.

A reader raises ValueError with the mend and never repeats the value, which may be a secret.
"""

from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, SecretStr, ValidationInfo

from registryhub.config.document import Scalar
from registryhub.config.durations import format_duration, parse_duration
from registryhub.config.errors import Problem, join_key
from registryhub.config.sizes import format_size, parse_size


def read_text(value: object) -> object:
    """The text as it was written; what is no scalar of the document passes through for the type to judge."""
    if isinstance(value, Scalar):
        if value.is_null:
            raise ValueError("is empty; write a value or remove it")
        return value.text
    if isinstance(value, dict | list):
        raise ValueError("must be one value, not a list or mapping")
    return value


def _read_flag(value: object) -> bool:
    value = value.value if isinstance(value, Scalar) else value
    if not isinstance(value, bool):
        raise ValueError("must be true or false, without quotes")
    return value


def _read_whole(value: object) -> int:
    value = value.value if isinstance(value, Scalar) else value
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number, without quotes")
    return value


def _read_duration(value: object, info: ValidationInfo) -> float:
    number = _read_number_or_text(value)
    seconds = parse_duration(number)
    if isinstance(number, int) and number and isinstance(value, Scalar) and info.context is not None:
        message = f"a bare number is nanoseconds: {number} means {format_duration(seconds)}; write a unit, such as 10s"
        info.context.append(Problem(message, join_key(value.path), value.origin))
    return seconds


def _read_size(value: object) -> int:
    return parse_size(_read_number_or_text(value))


def _read_number_or_text(value: object) -> int | str:
    written = value.value if isinstance(value, Scalar) else value
    if isinstance(written, int) and not isinstance(written, bool):
        return written
    text = read_text(value)
    if not isinstance(text, str):
        raise ValueError("must be one value, not a list or mapping")
    return text


def _read_choice(value: object) -> object:
    text = read_text(value)
    return text.lower() if isinstance(text, str) else text


def _read_path(value: object) -> Path:
    text = str(read_text(value))
    if not text or "\0" in text:
        raise ValueError("must be the path of a file or folder")
    return Path(text).absolute()


def _empty_is_none(value: object) -> object:
    is_empty = value == "" or (isinstance(value, Scalar) and value.text == "")
    return None if is_empty else value


def at_least(least: int) -> AfterValidator:
    """The bound of a number."""

    def check(value: int) -> int:
        if value < least:
            raise ValueError(f"must be at least {least}")
        return value

    return AfterValidator(check)


def at_most(most: int) -> AfterValidator:
    """The other bound."""

    def check(value: int) -> int:
        if value > most:
            raise ValueError(f"must be at most {most}")
        return value

    return AfterValidator(check)


def _check_positive_duration(value: float) -> float:
    if value <= 0:
        raise ValueError("must be longer than 0")
    return value


def positive_or(default: float) -> AfterValidator:
    """The reference's rule for numbers of an endpoint: zero and less mean the default."""
    return AfterValidator(lambda value: value if value > 0 else type(value)(default))


Text: TypeAlias = Annotated[str, BeforeValidator(read_text)]
Secret: TypeAlias = Annotated[SecretStr, BeforeValidator(read_text)]
Flag: TypeAlias = Annotated[bool, BeforeValidator(_read_flag)]
Whole: TypeAlias = Annotated[int, BeforeValidator(_read_whole)]
Size: TypeAlias = Annotated[int, BeforeValidator(_read_size), PlainSerializer(format_size, when_used="json")]
Duration: TypeAlias = Annotated[
    float, BeforeValidator(_read_duration), PlainSerializer(format_duration, when_used="json")
]
PositiveDuration: TypeAlias = Annotated[Duration, AfterValidator(_check_positive_duration)]
FilePath: TypeAlias = Annotated[Path, BeforeValidator(_read_path)]
CHOICE = BeforeValidator(_read_choice)
EMPTY_IS_NONE = BeforeValidator(_empty_is_none)

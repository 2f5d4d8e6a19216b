"""HTTP headers that the configuration sets, on our answers and on the requests of webhooks."""

import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, SecretStr

from registryhub.config.section import wrong_at
from registryhub.config.values import Secret, Text

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_UNSAFE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]")
_FRAMING = frozenset({"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"})
_OF_REQUESTS = _FRAMING | {"host"}


def _check_names(names: list[str], refused: frozenset[str]) -> None:
    seen: dict[str, str] = {}
    for name in names:
        if not _TOKEN.fullmatch(name):
            raise wrong_at(name, message="is no header name; write letters, digits and hyphens")
        if name.lower() in refused:
            raise wrong_at(name, message="is set by the server itself; remove it")
        if name.lower() in seen:
            raise wrong_at(name, message=f"is the same header as {seen[name.lower()]}; write all values in one list")
        seen[name.lower()] = name


def _check_answer(headers: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    _check_names(list(headers), _FRAMING)
    return headers


def _check_request(headers: dict[str, tuple[SecretStr, ...]]) -> dict[str, tuple[SecretStr, ...]]:
    _check_names(list(headers), _OF_REQUESTS)
    return headers


def check_header_value(text: str) -> str:
    """The text, if it can stand in a header. Raises ValueError with the mend."""
    if _UNSAFE.search(text):
        raise ValueError("holds a line break, control or non-Latin-1 character; remove it")
    return text


def _check_secret_value(value: SecretStr) -> SecretStr:
    check_header_value(value.get_secret_value())
    return value


_Value: TypeAlias = Annotated[Text, AfterValidator(check_header_value)]
_SecretValue: TypeAlias = Annotated[Secret, AfterValidator(_check_secret_value)]

AnswerHeaders: TypeAlias = Annotated[dict[str, tuple[_Value, ...]], AfterValidator(_check_answer)]
RequestHeaders: TypeAlias = Annotated[dict[str, tuple[_SecretValue, ...]], AfterValidator(_check_request)]

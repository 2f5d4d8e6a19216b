"""What the OpenAPI schema says of all operations alike: hooks of drf-spectacular, named in the settings."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from registryhub.rest import JSON

Endpoint = tuple[str, str, str, Any]
Operation = dict[str, Any]

_METHODS = frozenset(("get", "post", "put", "patch", "delete"))
_CSV = "text/csv"
_EVENT_STREAM = "text/event-stream"

SCHEMAS: Mapping[str, Any] = {
    "Refusal": {
        "type": "object",
        "description": "Why it is not done, in words.",
        "properties": {"detail": {"type": "string"}},
        "required": ["detail"],
        "additionalProperties": False,
    },
    "Mistakes": {
        "type": "object",
        "description": "What is wrong, by the name of the parameter or field; `detail` is about the request as a whole,"
        " `non_field_errors` about several fields together.",
        "minProperties": 1,
        "additionalProperties": {"$ref": "#/components/schemas/Mistake"},
    },
    "Mistake": {
        "description": "Sentences; for a list each item's own mistakes in order, for an object those of its fields.",
        "oneOf": [
            {"type": "string"},
            {
                "type": "array",
                "items": {"oneOf": [{"type": "string"}, {"$ref": "#/components/schemas/MistakesOfItem"}]},
            },
            {"$ref": "#/components/schemas/MistakesOfItem"},
        ],
    },
    "MistakesOfItem": {
        "type": "object",
        "description": "Empty for an item without any.",
        "additionalProperties": {"$ref": "#/components/schemas/Mistake"},
    },
}
"""The two bodies that errors have, whatever was asked."""


def _answer(description: str, schema: str) -> dict[str, Any]:
    return {"description": description, "content": {JSON: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


ANSWERS: Mapping[str, tuple[str, Any]] = {
    "400": ("BadRequest", _answer("A parameter or the body cannot be understood.", "Mistakes")),
    "401": ("Unauthorized", _answer("It is not for the anonymous, or the token is not valid.", "Refusal")),
    "403": ("Forbidden", _answer("You may not.", "Refusal")),
    "404": ("NotFound", _answer("It does not exist, or you may not see it.", "Refusal")),
    "405": ("NotAllowed", _answer("The configuration does not allow it.", "Refusal")),
    "406": ("NotAcceptable", _answer("The header Accept allows no media type that there is.", "Refusal")),
    "409": ("Conflict", _answer("It does not fit the state that things are in.", "Refusal")),
    "415": ("UnsupportedMediaType", _answer("The body has a media type that is not understood.", "Refusal")),
    "503": ("Unavailable", _answer("Not now; the header Retry-After says when to try again.", "Refusal")),
}
"""By status: the name and the content of the component."""


def without_slash(endpoints: Iterable[Endpoint], **_: Any) -> list[Endpoint]:
    """Of the two spellings of each path the schema shows the plain one."""
    return [(path.rstrip("/"), regex, method, view) for path, regex, method, view in endpoints]


def with_refusals(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Every operation may be refused, and always in the same words; a view names only what comes beside that."""
    components = result["components"]
    components["schemas"] |= SCHEMAS
    components["responses"] = dict(ANSWERS.values())
    for operation in _operations(result):
        _document(operation)
    return result


def _document(operation: Operation) -> None:
    responses = operation["responses"]
    for status in _statuses(operation):
        name, _ = ANSWERS[status]
        responses[status] = {"$ref": f"#/components/responses/{name}"}
    operation["responses"] = dict(sorted(responses.items()))


def _statuses(operation: Operation) -> Iterator[str]:
    """Of refusals that come with what the operation takes and who may ask for it, and of those that its view names."""
    parameters, kinds = operation.get("parameters", ()), _kinds(operation)
    yield from ("400", "401", "503")  # the first for an unknown `?format=` at least
    if "requestBody" in operation:
        yield "415"
    if {} not in operation.get("security", ()):
        yield "403"
    if any(parameter["in"] == "path" for parameter in parameters):
        yield "404"
    if _EVENT_STREAM not in kinds:
        yield "406"
    yield from operation["responses"].keys() & ANSWERS.keys()


def _kinds(operation: Operation) -> set[str]:
    """Media types of what succeeds."""
    return {kind for answer in operation["responses"].values() for kind in answer.get("content", ())}


def with_sheets(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """A table has no schema: CSV is text."""
    for operation in _operations(result):
        for answer in operation["responses"].values():
            if _CSV in answer.get("content", ()):
                answer["content"][_CSV] = {"schema": {"type": "string"}}
    return result


def _operations(result: Mapping[str, Any]) -> Iterator[Operation]:
    for path in result["paths"].values():
        yield from (path[method] for method in path.keys() & _METHODS)

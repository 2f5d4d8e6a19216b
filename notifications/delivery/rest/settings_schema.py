"""The settings of an endpoint as the OpenAPI schema describes them: the keys of `config.yml` that may be typed in."""

from collections.abc import Mapping
from typing import Any, get_args

from registryhub.config.filters import Filter
from registryhub.config.notifications import (
    ACTIONS,
    MAX_BATCH,
    MAX_COUNT,
    MAX_IN_FLIGHT,
    MAX_NAME_LENGTH,
    FaceName,
    Ignore,
    LogName,
    OrderName,
)
from registryhub.rest import DURATION_SCHEMA, JSON

Schema = dict[str, Any]


def _texts(**more: Any) -> Schema:
    return {"type": "array", "items": {"type": "string"}, **more}


def _limit(highest: int = MAX_COUNT) -> Schema:
    return {"type": "integer", "minimum": 0, "maximum": highest}


CHOOSING: Mapping[str, Schema] = {
    "ignoredmediatypes": _texts(),
    "ignore": {
        "type": "object",
        "properties": {name: _texts() for name in Ignore.model_fields},
        "additionalProperties": False,
        "example": {"actions": [ACTIONS[0]]},
    },
    "filter": {
        "type": "object",
        "description": f"Of {', '.join(Filter.model_fields)}, as in config.yml.",
        "additionalProperties": True,
    },
}
"""Those that choose the events."""

SETTINGS: Mapping[str, Schema] = {
    "name": {"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH},
    "url": {"type": "string", "format": "uri", "example": "https://ci.example.org/hook"},
    "disabled": {"type": "boolean"},
    "headers": {"type": "object", "additionalProperties": _texts()},
    **dict.fromkeys(("timeout", "backoff", "maxbackoff", "maxage", "disableafter", "batchwait"), DURATION_SCHEMA),
    **dict.fromkeys(("threshold", "maxattempts", "maxretries"), _limit()),
    "ratelimit": {"type": "string", "pattern": "^[0-9]{1,6}/[smh]$", "example": "10/s"},
    "tls": {
        "type": "object",
        "properties": {"capem": {"type": "string"}, "skipverify": {"type": "boolean"}},
        "additionalProperties": False,
    },
    "face": {"type": "string", "enum": list(get_args(FaceName))},
    "mediatype": {"type": "string", "enum": ["v1", "v2"]},
    "batchsize": _limit(MAX_BATCH),
    "order": {"type": "string", "enum": list(get_args(OrderName))},
    "inflight": _limit(MAX_IN_FLIGHT),
    "log": {"type": "string", "enum": list(get_args(LogName))},
    "notices": {"type": "boolean"},
    "secrets": _texts(description="of Standard Webhooks; one is made for the face standard"),
    "template": {"type": "string"},
    **CHOOSING,
}

NEW: Schema = {
    "type": "object",
    "description": "The keys of an endpoint in config.yml, but neither proxy nor files of tls.",
    "properties": {
        **SETTINGS,
        "start": {"type": "string", "enum": ["head", "oldest"], "description": "of a new one: its first event"},
    },
    "required": ["name", "url"],
    "additionalProperties": False,
    "example": {"name": "ci", "url": "https://ci.example.org/hook", "ignore": {"actions": ["pull"]}},
}

CHANGES: Schema = {
    "type": "object",
    "description": "Those that change; null takes one away. The name stays, and secrets are rotated.",
    "properties": {
        name: {**schema, "nullable": True} for name, schema in SETTINGS.items() if name not in ("name", "secrets")
    },
    "additionalProperties": False,
    "example": {"timeout": "5s", "ignore": None},
}


def as_json(schema: Schema) -> dict[str, Schema]:
    """For `extend_schema(request=…)`."""
    return {JSON: schema}


def choosing(**more: Schema) -> Schema:
    """The settings of an endpoint, or only those that choose its events."""
    return {
        "type": "object",
        "description": "The settings of an endpoint, or only those that choose its events.",
        "properties": {**SETTINGS, **more},
        "additionalProperties": False,
        "example": {"filter": {"repositories": ["team/**"], "versions": ["^1.4"], "tagged": ["new", "moved"]}},
    }

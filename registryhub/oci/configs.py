"""Reading the configuration of an image (OCI image-spec "Image Configuration"), as far as people want to know it. Pure.

Nobody checks a configuration when it is pushed: whatever is not as the specification has it counts as not said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from registryhub.oci.manifests import Platform

CONFIGS = frozenset(("application/vnd.docker.container.image.v1+json", "application/vnd.oci.image.config.v1+json"))
"""The media types of configurations of images; those of other artifacts are their own."""

MAX_CONFIG_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """How a container of the image runs, and which command made each layer that is not empty."""

    platform: Platform
    created: str = ""
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    user: str = ""
    folder: str = ""
    ports: Sequence[str] = ()
    labels: Mapping[str, str] | None = None
    layer_commands: Sequence[str] = ()


def parse_config(content: bytes) -> ImageConfig | None:
    """None for what is no JSON object."""
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(document, dict):
        return None
    inside = _mapping(document.get("config"))
    return ImageConfig(
        platform=Platform(*(_text(document.get(name)) for name in ("os", "architecture", "variant"))),
        created=_text(document.get("created")),
        entrypoint=_texts(inside.get("Entrypoint")),
        command=_texts(inside.get("Cmd")),
        user=_text(inside.get("User")),
        folder=_text(inside.get("WorkingDir")),
        ports=sorted(_mapping(inside.get("ExposedPorts"))),
        labels={name: _text(value) for name, value in sorted(_mapping(inside.get("Labels")).items())},
        layer_commands=_layer_commands(document.get("history")),
    )


def _layer_commands(history: Any) -> Sequence[str]:
    steps = [_mapping(step) for step in history] if isinstance(history, list) else []
    return [_text(step.get("created_by")) for step in steps if not step.get("empty_layer")]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any) -> Sequence[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

"""The effective configuration as people read it."""

import yaml

from registryhub.config.model import Config


def to_yaml(config: Config) -> str:
    """The configuration as YAML with secrets masked. What is not set and has no default is left out."""
    values = config.model_dump(mode="json", by_alias=True, exclude_none=True)
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=120)

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from registryhub.config.errors import ConfigError
from registryhub.config.load import load_config
from registryhub.config.model import Config

MINIMAL = "version: 0.1\nstorage: filesystem\n"

Load = Callable[..., Config]
Mistakes = Callable[..., list[str]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load a text as `config.yml`, with an environment."""

    def load(text: str, environ: Mapping[str, str] | None = None) -> Config:
        path = tmp_path / "config.yml"
        path.write_text(text)
        return load_config(path, environ or {})

    return load


@pytest.fixture
def mistakes(load: Load, tmp_path: Path) -> Mistakes:
    """What the configuration's error says, one line a problem, without the folder of the file."""

    def mistakes(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            load(text, environ)
        lines = str(caught.value).replace(f"{tmp_path}/", "").splitlines()
        assert len(lines) == len(caught.value.problems)
        return lines

    return mistakes

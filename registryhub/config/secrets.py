"""Secrets that nobody set are made once and shared by every process that uses the same data folder."""

import json
import os
import secrets
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from registryhub.config.model import Config

FILE_NAME = "secrets.json"


@dataclass(frozen=True, slots=True, repr=False)
class Secrets:
    """`secret_key` signs sessions, `http_secret` the state of uploads (`http.secret`)."""

    secret_key: str
    http_secret: str


def load_secrets(data: Path, config: Config) -> Secrets:
    """What the configuration sets, else what the data folder keeps, else new ones. Raises OSError."""
    kept = _kept_secrets(data / FILE_NAME)
    set_key = config.hub.secret_key
    set_http = config.http.secret
    return Secrets(
        secret_key=set_key.get_secret_value() if set_key else kept.secret_key,
        http_secret=set_http.get_secret_value() if set_http else kept.http_secret,
    )


def _kept_secrets(path: Path) -> Secrets:
    if not path.exists():
        store_secrets(path, Secrets(secret_key=secrets.token_urlsafe(48), http_secret=secrets.token_urlsafe(48)))
    return Secrets(**json.loads(path.read_text()))


def store_secrets(path: Path, value: Secrets) -> None:
    """Write the file whole or not at all; of several processes at once the first one wins."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".secrets-")
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(value), file)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(name)

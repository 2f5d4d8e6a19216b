"""What `serve` prints."""

from pathlib import Path

import pytest

from registryhub.config.load import load_config
from registryhub.config.model import Config
from registryhub.processes.addresses import resolve
from registryhub.processes.welcome import warnings, welcome


def _config(**variables: str) -> Config:
    return load_config(None, {"HUB_DATA": "/data", **variables})


def _block(config: Config, password: str | None = None) -> str:
    place = resolve(*config.http.listen)
    return welcome(config, place=place, data=Path("/data"), roles=("web", "relay"), password=password)


def test_the_block_says_where_everything_is() -> None:
    """Addresses, folder, database and, the first time, the administrator."""
    block = _block(_config(), "swordfish")
    for wanted in ("http://127.0.0.1:5000/", "http://127.0.0.1:5000/v2/", "/api/v1/docs", "/data", "SQLite"):
        assert wanted in block
    assert "admin, password swordfish" in block
    assert "password" not in _block(_config())


def test_the_databases_password_is_masked() -> None:
    """It would stand in the log of the service for ever."""
    block = _block(_config(DATABASE_URL="postgres://hub:secret@db.example.org/hub"))
    assert "db.example.org" in block
    assert "secret" not in block


@pytest.mark.parametrize(
    ("address", "is_loud"),
    [("127.0.0.1:5000", False), ("localhost:5000", False), (":5000", True), ("0.0.0.0:5000", True)],
)
def test_an_open_registry_on_the_network_is_said_loudly(address: str, is_loud: bool) -> None:
    """Loopback alone needs no warning."""
    config = _config(REGISTRY_HTTP_ADDR=address)
    assert ("WARNING  the registry is open" in warnings(config, resolve(*config.http.listen))) is is_loud

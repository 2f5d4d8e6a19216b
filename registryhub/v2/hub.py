"""What every handler of the data plane needs, built once a process."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings

from registryhub.access.gate import Gate, gate_from_config
from registryhub.config.model import Config
from registryhub.registry.room import Store
from registryhub.storage.base import StorageDriver
from registryhub.storage.filesystem import FilesystemDriver


@dataclass(frozen=True, slots=True)
class Hub:
    """`http_secret` signs the state of uploads.

    `prefix` is where the data plane lives (`/` or `/…/`). `base_url` is where generated URLs begin when the request has
    no say in it: `http.host`, or the bare prefix with `http.relativeurls`; else empty. It ends in `/`.
    """

    config: Config
    store: Store
    http_secret: bytes
    gate: Gate
    prefix: str
    base_url: str

    @property
    def driver(self) -> StorageDriver:
        """Where bytes live."""
        return self.store.driver


def build_hub(config: Config, *, driver: StorageDriver, data: Path, http_secret: bytes, gate: Gate) -> Hub:
    """`data` is the folder of database and journal."""
    return Hub(
        config=config,
        store=Store(driver, data, config.hub.limits.free_bytes),
        http_secret=http_secret,
        gate=gate,
        prefix=config.http.prefix,
        base_url=_fixed_base(config),
    )


def hub_from_settings() -> Hub:
    """The hub that the configuration describes. Raises OSError when its htpasswd file cannot be made."""
    config: Config = settings.HUB
    return build_hub(
        config,
        driver=FilesystemDriver(config.storage.driver.rootdirectory),
        data=settings.DATA_DIR,
        http_secret=settings.SECRETS.http_secret.encode(),
        gate=gate_from_config(config),
    )


def _fixed_base(config: Config) -> str:
    if config.http.host:
        parts = urlsplit(config.http.host)
        return urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rpartition('/')[0]}/", "", ""))
    return config.http.prefix if config.http.relativeurls else ""

"""What every handler of the data plane needs, built once a process."""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings

from registryhub.access.gate import Gate, gate_from_config
from registryhub.config.model import Config
from registryhub.storage.base import Driver
from registryhub.storage.filesystem import driver_from_config


@dataclass(frozen=True, slots=True)
class Hub:
    """`http_secret` signs the state of uploads.

    `base_url` is where generated URLs begin when the request does not decide it: `http.host`, or the bare prefix with
    `http.relativeurls`; else empty. It ends in `/`.
    """

    config: Config
    driver: Driver
    http_secret: bytes
    gate: Gate
    prefix: str
    base_url: str

    @classmethod
    def build(cls, config: Config, *, driver: Driver, http_secret: bytes, gate: Gate) -> "Hub":
        return cls(
            config=config,
            driver=driver,
            http_secret=http_secret,
            gate=gate,
            prefix=config.http.prefix or "/",
            base_url=_fixed_base(config),
        )


def hub_from_settings() -> Hub:
    """The hub that the configuration describes. Raises what opening the storage or the password file raises."""
    config: Config = settings.HUB
    return Hub.build(
        config,
        driver=driver_from_config(config),
        http_secret=settings.SECRETS.http_secret.encode(),
        gate=gate_from_config(config),
    )


def _fixed_base(config: Config) -> str:
    if config.http.host:
        parts = urlsplit(str(config.http.host))
        return urlunsplit((parts.scheme, parts.netloc, f"{parts.path.rpartition('/')[0]}/", "", ""))
    return (config.http.prefix or "/") if config.http.relativeurls else ""

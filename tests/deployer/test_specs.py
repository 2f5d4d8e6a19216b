"""The settings of services: what is understood, and what wrong ones are told."""

from typing import Any

import pytest

from deployer.specs import (
    BadSettings,
    CallSpec,
    ContainerSpec,
    Mount,
    Port,
    read_call,
    read_container,
    read_environment,
)
from registryhub.config.deployer import Deployer

STRICT = Deployer()
LOOSE = Deployer.model_validate({"binds": ["/srv/data"], "host_network": True})


def test_ports_and_mounts_are_written_as_in_a_compose_file() -> None:
    """A port without an address is open to this machine only."""
    spec = read_container(
        {
            "ports": ["8080:80", "0.0.0.0:53:53/udp", "[::1]:9000:9000"],
            "mounts": ["data:/var/lib/data", "/srv/data/x:/x:ro"],
        },
        LOOSE,
    )
    assert spec.ports == (
        Port("127.0.0.1", 8080, 80, "tcp"),
        Port("0.0.0.0", 53, 53, "udp"),
        Port("::1", 9000, 9000, "tcp"),
    )
    assert spec.mounts == (Mount("data", "/var/lib/data", False), Mount("/srv/data/x", "/x", True))


def test_what_is_written_can_be_read_again() -> None:
    """The JSON of a spec is the settings it came from."""
    spec = read_container({"ports": ["[::1]:8080:80"], "mounts": ["data:/d"], "order": "stop-first"}, STRICT)
    assert ContainerSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize(
    ("settings", "key", "mend"),
    [
        ({"ports": ["80"]}, "ports.0", "write HOST:CONTAINER"),
        ({"ports": ["0:80"]}, "ports.0", "write HOST:CONTAINER"),
        ({"ports": ["70000:80"]}, "ports.0", "write HOST:CONTAINER"),
        ({"mounts": ["data"]}, "mounts.0", "write VOLUME:/path"),
        ({"mounts": ["../etc:/etc"]}, "mounts.0", "write VOLUME:/path"),
        ({"mounts": ["/srv/data/../../etc:/etc"]}, "mounts.0", "must not hold .."),
        ({"mounts": ["/etc:/etc"]}, "mounts", "hub.deployer.binds"),
        ({"mounts": ["/srv/database:/x"]}, "mounts", "hub.deployer.binds"),
        ({"networks": ["container:web"]}, "networks.0", "name of a network"),
        ({"networks": ["host", "other"]}, "settings", "stand alone"),
        ({"privileged": True}, "privileged", "is not known"),
        ({"restart": "sometimes"}, "restart", "'no', 'always'"),
        ({"running_seconds": 0}, "running_seconds", "greater than 0"),
        ({"order": "start-first", "ports": ["80:80"]}, "settings", "only one container can hold"),
    ],
)
def test_wrong_settings_are_told_by_key_with_the_mend(settings: dict[str, Any], key: str, mend: str) -> None:
    """All at once, for forms and for the API."""
    with pytest.raises(BadSettings) as error:
        read_container(settings, LOOSE)
    assert mend in error.value.problems[key]


def test_the_network_of_the_host_must_be_allowed() -> None:
    """By the configuration: it sees what only the host can reach."""
    with pytest.raises(BadSettings, match=r"hub\.deployer\.host_network"):
        read_container({"networks": ["host"]}, STRICT)
    assert read_container({"networks": ["host"]}, LOOSE).networks == ("host",)


@pytest.mark.parametrize("url", ["", "ftp://x/", "http://", "http://user:secret@x/", "x"])
def test_a_call_needs_a_plain_url(url: str) -> None:
    """A password belongs into no URL that is shown."""
    with pytest.raises(BadSettings, match="http:// or https://"):
        read_call({"url": url})
    assert read_call({"url": "https://deploy.example.org/hook"}) == CallSpec(url="https://deploy.example.org/hook")


def test_an_environment_is_names_and_texts() -> None:
    """The message names the variable and repeats no value."""
    assert read_environment({"A_1": "x=y"}) == {"A_1": "x=y"}
    for wrong in ({"1A": "secret"}, {"A": 5}, {"A B": "secret"}, {"A": "secret\0"}):
        with pytest.raises(BadSettings) as error:
            read_environment(wrong)
        assert "secret" not in str(error.value)

"""What the web processes do before they serve."""

import os
import resource

import pytest

from registryhub.processes.web import forget_cgi_variables, raise_descriptor_limit
from tests.servers.databases import Databases
from tests.servers.hub import Hub
from tests.servers.run import new_folder


def test_variables_that_read_like_headers_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy for outgoing requests goes on under its other name; everything else stays."""
    for name in ("HTTP_X_FORWARDED_FOR", "CONTENT_LENGTH", "REMOTE_USER"):
        monkeypatch.setenv(name, "7")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.org:3128")
    monkeypatch.setenv("http_proxy", "")  # so that what the function sets is taken back afterwards
    monkeypatch.delenv("http_proxy")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.org:3128")
    forget_cgi_variables()
    assert not [name for name in os.environ if name.startswith("HTTP_")]
    assert not {"CONTENT_LENGTH", "REMOTE_USER"} & os.environ.keys()
    assert os.environ["http_proxy"] == os.environ["HTTPS_PROXY"] == "http://proxy.example.org:3128"


def test_as_many_files_may_be_open_as_the_system_lets() -> None:
    """Each connection and each blob on its way is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
        assert raise_descriptor_limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 512
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_no_client_is_given_a_header_by_the_environment(databases: Databases) -> None:
    """Here each of them would seem to have sent a token that is wrong."""

    class Misled(Hub):
        def environment(self) -> dict[str, str]:
            return {**super().environment(), "HTTP_AUTHORIZATION": "Bearer wrong", "CONTENT_LENGTH": "5"}

    with Misled(new_folder("hub"), databases) as hub, hub.wire() as wire:
        assert wire.request("GET", "/api/v1/repositories").status == 200  # a wrong token would be refused
        assert wire.request("GET", "/v2/").status == 200

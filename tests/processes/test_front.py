"""The front of a web process: who answers what, before Django is asked."""

import io
import json
from collections.abc import Iterable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError
from pytest_django import Settings

from registryhub.processes import health
from registryhub.processes.health import Readiness
from registryhub.wsgi import build_application
from tests.registry.stage import changed


def ask(method: str, path: str, host: str = "127.0.0.1:5000", **more: str) -> tuple[int, dict[str, str], bytes]:
    """What the application answers; status, headers, body. `more` goes into the environ."""
    got: dict[str, Any] = {}

    def start_response(status: str, headers: Iterable[tuple[str, str]]) -> None:
        got["status"], got["headers"] = int(status.split()[0]), {name.lower(): value for name, value in headers}

    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "5000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "SCRIPT_NAME": "",
        "HTTP_HOST": host,
        "CONTENT_LENGTH": "0",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
    } | more
    body = b"".join(build_application()(environ, start_response))
    return got["status"], got["headers"], body


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
@pytest.mark.parametrize("host", ["127.0.0.1:5000", "10.1.2.3", "any.name.at.all", "not a name", ""])
def test_the_root_is_200_for_any_method_and_host(method: str, host: str, settings: Settings) -> None:
    """Load balancers probe it, also where `hub.hosts` is narrow."""
    settings.ALLOWED_HOSTS = ["hub.example.org"]
    assert ask(method, "/", host)[0] == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_answered_for_any_host(path: str, settings: Settings) -> None:
    """Probes dial addresses, not names."""
    settings.ALLOWED_HOSTS = ["hub.example.org"]
    status, headers, _ = ask("GET", path, "10.1.2.3:5000")
    assert status == 200
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_registry_answers_below_v2(path: str) -> None:
    """By its own application, which knows that the slash belongs there."""
    status, headers, _ = ask("GET", path)
    assert status in (200, 301)
    assert headers["content-security-policy"] == "sandbox"


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/events/", "/api/v1/events/edge:5000"])
def test_a_post_of_events_goes_to_the_receiver(path: str) -> None:
    """Which asks for a source's token; it is not Django that answers 403 for a missing CSRF token."""
    assert ask("POST", path)[0] == 401


def test_a_post_to_the_stream_of_events_is_no_envelope() -> None:
    """It is read, and by no source of that name written."""
    assert ask("POST", "/api/v1/events/stream")[0] in (403, 405)


@pytest.mark.parametrize("path", ["/api/v1/schema", "/api/v1/schema/", "/api/v1/docs", "/api/v1/docs/"])
def test_schema_and_docs_answer_with_and_without_slash(path: str) -> None:
    """Themselves, not by a redirect."""
    assert ask("GET", path)[0] == 200


def test_an_unknown_path_is_404() -> None:
    """Of Django's making."""
    assert ask("GET", "/nothing/here")[0] == 404


def problems(readiness: Readiness) -> tuple[int, dict[str, str]]:
    answer = readiness.answer()
    assert isinstance(answer.body, bytes)
    return answer.status, json.loads(answer.body)["problems"]


def test_readiness_writes_nothing(tmp_path: Path) -> None:
    """Not even the folder that is not there yet."""
    assert problems(Readiness([tmp_path / "not" / "yet"])) == (200, {})
    assert list(tmp_path.iterdir()) == []


def test_a_storage_that_cannot_be_written_is_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word about the path: anybody may ask."""
    monkeypatch.setattr("os.access", lambda path, mode: False)
    status, found = problems(Readiness([tmp_path]))
    assert status == 503
    assert found == {"storage": "the storage cannot be written"}


def test_pending_migrations_are_a_reason_until_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """And then nobody looks again."""
    readiness = Readiness([])
    monkeypatch.setattr(health, "pending_migrations", lambda: ["access.0002_more"])
    assert problems(readiness) == (503, {"migrations": "migrations are pending"})
    monkeypatch.setattr(health, "pending_migrations", list)
    assert problems(readiness) == (200, {})
    monkeypatch.setattr(health, "pending_migrations", lambda: ["never asked"])
    assert problems(readiness) == (200, {})


def test_a_database_that_does_not_answer_is_the_one_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Details go to the log."""

    class Gone:
        def one(self) -> None:
            raise DatabaseError("connection to 10.0.0.5 refused")

    monkeypatch.setattr(health, "_ONE", Gone())
    assert problems(Readiness([])) == (503, {"database": "the database does not answer"})


def test_what_trusted_proxies_say_reaches_everybody_behind_the_front(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data plane and Django alike; from a peer that is none of them nothing is believed."""
    seen: list[tuple[str, str, str]] = []

    def site(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        seen.append((environ["wsgi.url_scheme"], environ["HTTP_HOST"], environ["REMOTE_ADDR"]))
        start_response("204 No Content", [])
        return []

    said = {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_HOST": "out.example"}
    said["HTTP_X_FORWARDED_FOR"] = "203.0.113.9"
    monkeypatch.setattr("registryhub.wsgi.build_site", lambda: site)
    settings.HUB = changed(settings.HUB, hub__proxies=(ip_network("127.0.0.0/8"),))
    _, headers, _ = ask("POST", "/v2/team/app/blobs/uploads/", **said)
    assert headers["location"].startswith("https://out.example/v2/")
    ask("GET", "/events", **said)
    ask("GET", "/events", REMOTE_ADDR="192.0.2.1", **said)
    assert seen == [("https", "out.example", "203.0.113.9"), ("http", "127.0.0.1:5000", "192.0.2.1")]

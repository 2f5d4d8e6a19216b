from collections.abc import Callable

import pytest

from registryhub.config.addresses import SecretUrl
from registryhub.config.model import Config
from registryhub.config.show import to_yaml
from tests.config.conftest import MINIMAL, Load

SECRETS = """
http: {secret: hush-1}
notifications:
  endpoints:
    - {name: a, url: "https://ada:hush-2@h/x?token=hush-3&b=1", headers: {X-Key: [hush-4, hush-5]}}
    - {name: b, url: "https://hush-9@h/x"}
hub:
  secret_key: hush-6
  database: {url: "postgres://hub:hush-7@db/hub?sslpassword=hush-10"}
  redis: {url: "redis://:hush-8@cache/0"}
"""


@pytest.mark.parametrize("show", [repr, str, to_yaml, Config.model_dump_json, lambda config: repr(config.model_dump())])
def test_no_secret_is_ever_shown(load: Load, show: Callable[[Config], str]) -> None:
    """Neither in a representation nor in a dump; what is no secret is."""
    shown = show(load(MINIMAL + SECRETS))
    assert "hush" not in shown
    assert "postgres://hub:**********@db/hub" in shown
    assert "b=1" in shown


def test_no_secret_is_in_a_mistake(mistakes: Callable[..., list[str]]) -> None:
    """Broken values are not repeated."""
    text = (
        f"{MINIMAL}http: {{secret: [hush]}}\nhub:\n  database: {{url: 'mysql://a:hush@h/d'}}\n"
        "  redis: {url: 'redis://:hush@h:port/0'}\n  secret_key: {hush: 1}\n"
        "notifications: {endpoints: [{name: a, url: 'ftp://:hush@h', headers: {X: [\"hush\\n\"]}}]}\n"
    )
    lines = mistakes(text, {"DATABASE_URL": "postgres://a:hush@h", "REGISTRY_HTTP_HEADERS": "[hush"})
    assert len(lines) == 7
    assert "hush" not in "\n".join(lines)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////srv/hub.sqlite3", "sqlite:////srv/hub.sqlite3"),
        ("postgres://u:p@h:1/d", "postgres://u:**********@h:1/d"),
        ("postgres://u@h/d", "postgres://u@h/d"),
        ("https://token@h/", "https://**********@h/"),
        ("http://h/?a=b&api_key=x#f", "http://h/?a=b&api_key=**********#f"),
        ("http://p:p@p/p", "http://p:**********@p/p"),
    ],
)
def test_urls_are_shown_without_their_passwords(url: str, shown: str) -> None:
    """The rest is needed to know what is meant."""
    assert str(SecretUrl(url)) == shown


def test_what_is_shown_can_be_loaded_again(load: Load) -> None:
    """Without secrets the effective configuration is a configuration with the same effect."""
    text = (
        f"{MINIMAL}http: {{addr: ':1', headers: {{X: [a]}}}}\nauth: {{htpasswd: {{realm: é, path: /x/y}}}}\n"
        "notifications: {endpoints: [{name: a, url: 'http://h', timeout: 1.5s}]}\n"
        "hub: {limits: {free_bytes: 1234567}}\n"
    )
    config = load(text)
    assert load(to_yaml(config)) == config

"""Settings that are typed in: read as `config.yml` reads them, less what only an administrator may say."""

import ipaddress
from typing import Any

import pytest
from django.conf import settings as hub_settings
from pytest_django import Settings

from notifications.delivery.definitions.typed import (
    MASK,
    BadEndpoint,
    Secret,
    Typed,
    change,
    read_settings,
    show,
    unseal,
)
from registryhub.access.sealing import Unsealable
from registryhub.config.hub import Outgoing

URL = "https://hooks.example.org/x"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def problems(**document: Any) -> dict[str, str]:
    """What is wrong with an endpoint of this document."""
    with pytest.raises(BadEndpoint) as raised:
        read_settings("a", Typed({"url": URL, **document}))
    return raised.value.problems


def allow(settings: Settings, *networks: str) -> None:
    outgoing = Outgoing.model_validate({"allow": [str(ipaddress.ip_network(network)) for network in networks]})
    hub = hub_settings.HUB.hub.model_copy(update={"outgoing": outgoing})
    settings.HUB = hub_settings.HUB.model_copy(update={"hub": hub})


def test_what_is_typed_reads_as_the_configuration_does() -> None:
    """The same keys, durations with units, the same defaults."""
    document = {"url": URL, "timeout": "5s", "headers": {"X-Token": ["a"]}, "ignore": {"actions": ["pull"]}}
    found = read_settings("a", Typed(document, [Secret(SECRET)]))
    assert (found.name, found.timeout_seconds, found.threshold) == ("a", 5.0, 10)
    assert found.ignored_actions == {"pull"}
    assert [secret.get_secret_value() for secret in found.secrets] == [SECRET]


def test_what_is_sealed_is_not_to_be_read_in_the_row() -> None:
    """Nor under another key."""
    typed = Typed({"url": "https://me:hush@hooks.example.org/"}, [Secret(SECRET)])
    sealed = typed.seal()
    assert "hush" not in sealed
    assert SECRET not in sealed
    assert unseal(sealed) == typed


def test_another_secret_key_cannot_read_it(settings: Settings) -> None:
    """It must be entered again."""
    sealed = Typed({"url": URL}).seal()
    settings.SECRET_KEY = "another"
    with pytest.raises(Unsealable, match="enter them again"):
        unseal(sealed)


@pytest.mark.parametrize(
    ("document", "key", "problem"),
    [
        ({"url": None}, "url", "is missing; write it"),
        ({"url": "ftp://a/"}, "url", "must be a URL that begins with https:// or http://"),
        ({"treshold": 3}, "treshold", "is unknown; did you mean threshold?"),
        ({"threshold": "3"}, "threshold", "must be a whole number, without quotes"),
        ({"timeout": 5}, "timeout", "needs a unit, such as 10s"),
        ({"timeout": "5 parsecs"}, "timeout", "is no duration"),
        ({"maxbackoff": "1ms"}, "maxbackoff", "is shorter than backoff"),
        ({"headers": {"X": ["a\nb"]}}, "headers.X[0]", "holds a line break"),
        ({"headers": {"Host": ["a"]}}, "headers.Host", "is set by the server itself"),
        ({"headers": ["X"]}, "headers", "must be a mapping"),
        ({"face": "happy"}, "face", "must be 'distribution'"),
        ({"face": "standard"}, "secrets", "is empty"),
        ({"ignore": {"actions": ["pul"]}}, "ignore.actions", "no event has the action 'pul'"),
        ({"ignoredmediatypes": ["a\0"]}, "ignoredmediatypes", "holds a character that cannot be stored"),
        ({"template": "\ud800"}, "template", "holds a character that cannot be stored"),
        ({"proxy": "http://proxy:3128"}, "proxy", "only endpoints of config.yml have one"),
        ({"tls": {"ca": "/etc/passwd"}}, "tls.ca", "names a file of the server"),
        ({"tls": {"certificate": "a", "key": "b"}}, "tls.key", "names a file of the server"),
    ],
)
def test_each_problem_names_its_key_and_the_mend(document: dict[str, Any], key: str, problem: str) -> None:
    """In the words of the configuration, where it knows the mistake too."""
    assert problem in problems(**document)[key]


def test_all_problems_come_at_once() -> None:
    """Those of the configuration and our own."""
    found = problems(threshold="3", proxy="http://proxy:3128", timeout=5)
    assert found.keys() == {"threshold", "proxy", "timeout"}


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "017700000001", "0.0.0.0", "0"),
        *("169.254.169.254", "10.0.0.7", "[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]"),
        *("[2001:0:4136:e378:8000:63bf:3fff:fdd2]", "[fe80::1]", "me@127.0.0.1", "168.63.129.16"),
    ],
)
def test_an_address_within_is_refused_when_it_is_saved(host: str) -> None:
    """However it is written; who may allow it is said."""
    assert "hub.outgoing.allow" in problems(url=f"http://{host}:8080/")["url"]


def test_an_administrator_allows_an_address_within(settings: Settings) -> None:
    """And only that one."""
    allow(settings, "10.0.0.0/8")
    assert read_settings("a", Typed({"url": "http://10.0.0.7/"})).name == "a"
    assert "127.0.0.1" in problems(url="http://127.0.0.1/")["url"]


KNOWN: dict[str, Any] = {"url": "https://me:hush@hooks.example.org/x", "headers": {"A": ["1", "2"], "B": ["3"]}}


def test_what_is_shown_holds_no_secret() -> None:
    """Names of headers and how many values; the URL without its password."""
    assert show({**KNOWN, "threshold": 3}) == {
        "url": f"https://me:{MASK}@hooks.example.org/x",
        "headers": {"A": [MASK, MASK], "B": [MASK]},
        "threshold": 3,
    }


def test_what_is_sent_back_as_it_was_shown_changes_nothing() -> None:
    """What is masked stays."""
    assert change(KNOWN, show(KNOWN)) == KNOWN


def test_only_what_is_named_changes() -> None:
    """Null takes a key away; a header is changed, left or taken away by itself."""
    known = {**KNOWN, "threshold": 3, "timeout": "5s"}
    changed = change(known, {"threshold": None, "headers": {"A": [MASK, "new"], "C": "4"}})
    assert changed == {"url": KNOWN["url"], "timeout": "5s", "headers": {"A": ["1", "new"], "C": ["4"]}}


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"url": "https://elsewhere.example.org/x"}, "headers"),
        ({"url": "http://hooks.example.org/x"}, "headers"),
        ({"url": "https://elsewhere.example.org/x", "headers": {"A": [MASK, MASK]}}, "headers"),
        ({"url": f"https://me:{MASK}@elsewhere.example.org/x"}, "url"),
        ({"headers": {"D": [MASK]}}, "headers"),
        ({"headers": {"B": [MASK, MASK]}}, "headers"),
    ],
)
def test_what_is_not_shown_never_goes_to_another_server(changes: dict[str, Any], key: str) -> None:
    """Whoever may change the URL could otherwise have it sent to themselves."""
    with pytest.raises(BadEndpoint) as raised:
        change(KNOWN, changes)
    assert raised.value.problems.keys() == {key}


def test_another_path_of_the_same_server_keeps_the_headers() -> None:
    """And another server gets those that are written again."""
    assert change(KNOWN, {"url": "https://hooks.example.org/y"})["headers"] == KNOWN["headers"]
    moved = change(KNOWN, {"url": "https://b.example/", "headers": {"A": ["9"]}})
    assert moved == {"url": "https://b.example/", "headers": {"A": ["9"]}}

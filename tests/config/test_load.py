from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from registryhub.config.errors import ConfigError
from registryhub.config.load import find_path, load_config
from registryhub.config.model import Config
from tests.config.conftest import MINIMAL, Load


def test_without_a_file_everything_is_local_and_in_the_data_folder(tmp_path: Path) -> None:
    """The default serves this machine only, and may delete."""
    config = load_config(None, {"HUB_DATA": str(tmp_path)})
    assert config.http.listen == ("127.0.0.1", 5000)
    assert config.storage.driver.rootdirectory == tmp_path / "registry"
    assert config.storage.delete.enabled
    assert config.hub.data == tmp_path
    assert config.database_url == f"sqlite:///{tmp_path}/hub.sqlite3"
    assert config.redis_url is None
    assert config.auth is None
    assert config.repositories_public
    assert config.warnings == ()


def test_the_data_folder_is_absolute_and_its_name_may_hold_anything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Relative paths start at the working directory; what a URL cannot hold is quoted in it."""
    monkeypatch.chdir(tmp_path)
    assert load_config(None, {}).hub.data == tmp_path / "var"
    config = load_config(None, {"HUB_DATA": "a b%?"})
    assert config.hub.data == tmp_path / "a b%?"
    assert config.database_url == f"sqlite:///{tmp_path}/a%20b%25%3F/hub.sqlite3"
    assert config.storage.driver.rootdirectory == tmp_path / "a b%?" / "registry"


@pytest.mark.parametrize(
    "environ",
    [
        {"REGISTRY_STORAGE": "filesystem"},
        {"REGISTRY_STORAGE_FILESYSTEM": ""},
        {"REGISTRY_STORAGE": "{filesystem: {}}"},
        {"REGISTRY_HUB_DATABASE_POOL": "3"},
    ],
)
def test_without_a_file_blobs_stay_in_the_data_folder_whatever_else_is_set(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    """Only a root directory of one's own moves them."""
    config = load_config(None, {"REGISTRY_HUB_DATA": str(tmp_path), **environ})
    assert config.storage.driver.rootdirectory == tmp_path / "registry"
    assert config.database_url == f"sqlite:///{tmp_path}/hub.sqlite3"
    elsewhere = {"REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/srv/blobs"}
    assert load_config(None, {**environ, **elsewhere}).storage.driver.rootdirectory == Path("/srv/blobs")


def test_a_file_has_the_defaults_of_the_reference(load: Load) -> None:
    """What is not written is what Distribution does, but loopback for an address."""
    config = load(MINIMAL)
    assert config.storage.driver.rootdirectory == Path("/var/lib/registry")
    assert not config.storage.delete.enabled
    assert config.http.listen == ("127.0.0.1", 5000)
    assert (config.http.prefix, config.http.host, config.http.secret, config.http.headers) == ("/", None, None, {})
    assert config.log.level == "info"


EVERYTHING = """
version: 0.1
log: {level: WARN}
storage:
  filesystem: {rootdirectory: /srv/blobs}
  delete: {enabled: on}
http:
  addr: "[::1]:5001"
  prefix: /registry/
  host: https://registry.example.org/base/
  secret: 123
  relativeurls: true
  headers: {X-Content-Type-Options: [nosniff], X-Number: [1, 2]}
auth:
  htpasswd: {realm: 42, path: /etc/hub/htpasswd}
notifications:
  events: {includereferences: true}
  endpoints:
    - name: ci
      url: https://ada:pw@ci.example.org/hook
      headers: {Authorization: [Bearer abc]}
      timeout: 1m30s
      threshold: 3
      backoff: 500ms
      disabled: yes
      ignoredmediatypes: [a/b]
      ignore: {mediatypes: [c/d], actions: [pull]}
    - {name: 7, url: "http://h", timeout: -1s, threshold: 0, backoff: 0}
hub:
  data: /srv/hub
  database: {url: "postgres://hub:pw@db/hub", pool: 4}
  redis: {url: "redis://:pw@cache:6379/1"}
  secret_key: abc
  hosts: [hub.example.org, .example.org]
  public: true
  events: {blob_pulls: false, compat: true}
  journal: {fsync: Always, interval: 1s}
  web: {workers: 3, threads: 64}
  limits: {manifest_bytes: 1MiB, envelope_bytes: 2048, envelope_events: 5, free_bytes: 0}
  collect: {grace: 24h, untagged: 1h}
"""


def test_every_key_arrives(load: Load) -> None:
    """Numbers are text where text is wanted, lists keep their order, durations become seconds."""
    config = load(EVERYTHING)
    assert config.log.level == "warn"
    assert config.storage.driver.rootdirectory == Path("/srv/blobs")
    assert config.storage.delete.enabled
    assert config.http.listen == ("::1", 5001)
    assert (config.http.prefix, config.http.host) == ("/registry/", "https://registry.example.org/base/")
    assert config.http.secret == SecretStr("123")
    assert config.http.relativeurls
    assert config.http.headers == {"X-Content-Type-Options": ("nosniff",), "X-Number": ("1", "2")}
    assert config.auth is not None
    assert config.auth.htpasswd is not None
    assert (config.auth.htpasswd.realm, config.auth.htpasswd.path) == ("42", Path("/etc/hub/htpasswd"))
    assert config.notifications.events.includereferences
    assert config.warnings == ()


def test_every_key_of_an_endpoint_arrives(load: Load) -> None:
    """Zero and less mean the default, as in the reference; both spellings of ignored media types count."""
    ci, seven = load(EVERYTHING).notifications.endpoints
    assert (ci.name, ci.url.get_secret_value()) == ("ci", "https://ada:pw@ci.example.org/hook")
    assert ci.headers == {"Authorization": (SecretStr("Bearer abc"),)}
    assert (ci.timeout_seconds, ci.threshold, ci.backoff_seconds, ci.disabled) == (90.0, 3, 0.5, True)
    assert ci.ignored_media_types == {"a/b", "c/d"}
    assert ci.ignored_actions == {"pull"}
    assert (seven.name, seven.timeout_seconds, seven.threshold, seven.backoff_seconds) == ("7", 1.0, 10, 1.0)
    assert not seven.disabled


def test_every_key_of_the_hub_arrives(load: Load) -> None:
    """Sizes become bytes, choices are read whatever their case."""
    config = load(EVERYTHING)
    hub = config.hub
    assert hub.data == Path("/srv/hub")
    assert (config.database_url, hub.database.pool) == ("postgres://hub:pw@db/hub", 4)
    assert config.redis_url == "redis://:pw@cache:6379/1"
    assert (hub.secret_key, hub.hosts) == (SecretStr("abc"), ("hub.example.org", ".example.org"))
    assert (hub.events.blob_pulls, hub.events.compat) == (False, True)
    assert (hub.journal.fsync, hub.journal.interval_seconds) == ("always", 1.0)
    assert (hub.web.workers, hub.web.threads, hub.collect.grace_seconds) == (3, 64, 86400.0)
    assert hub.limits.model_dump() == {
        "manifest_bytes": 1 << 20,
        "envelope_bytes": 2048,
        "envelope_events": 5,
        "free_bytes": 0,
    }


def test_null_is_as_good_as_nothing(load: Load) -> None:
    """A key without a value, in every kind of place, leaves the default."""
    config = load(
        "version: 0.1\nstorage:\n  filesystem:\n  delete:\nhttp:\n  addr: ~\n  headers:\n  host:\nauth:\n"
        "log:\nnotifications:\n  endpoints:\nhub:\n  hosts:\n  public:\n  database:\n    url:\n    pool:\n"
    )
    assert config == load(MINIMAL)


@pytest.mark.parametrize("auth", ["auth: none", "auth: {none: }", "auth: {none: {}}", "auth:", "auth: {}", ""])
def test_a_registry_without_auth_is_open(load: Load, auth: str) -> None:
    """However it is written."""
    config = load(f"{MINIMAL}{auth}\n")
    assert config.auth is None
    assert config.repositories_public


HTPASSWD = "auth: {htpasswd: {realm: r, path: /etc/hub/htpasswd}}\n"


@pytest.mark.parametrize(
    ("text", "is_public"),
    [("", True), ("hub: {public: false}", False), (HTPASSWD, False), (f"{HTPASSWD}hub: {{public: true}}", True)],
)
def test_new_repositories_are_public_when_nobody_signs_in(load: Load, text: str, is_public: bool) -> None:
    """Unless the hub is told otherwise."""
    assert load(f"{MINIMAL}{text}\n").repositories_public is is_public


@pytest.mark.parametrize(
    ("address", "listen"),
    [
        ("':5000'", ("0.0.0.0", 5000)),
        ("127.0.0.1:5000", ("127.0.0.1", 5000)),
        ("'[::1]:5000'", ("::1", 5000)),
        ("'[::]:0'", ("::", 0)),
        ("localhost:65535", ("localhost", 65535)),
        ("registry.example.org:80", ("registry.example.org", 80)),
        ("12:30", ("12", 30)),  # a number on base 60 in YAML 1.1, text to us
    ],
)
def test_addresses(load: Load, address: str, listen: tuple[str, int]) -> None:
    """All forms of the reference but sockets."""
    assert load(f"{MINIMAL}http: {{addr: {address}}}").http.listen == listen


@pytest.mark.parametrize(("written", "prefix"), [("''", "/"), ("/", "/"), ("/a/", "/a/"), ("/a/b-c/~d/", "/a/b-c/~d/")])
def test_prefixes(load: Load, written: str, prefix: str) -> None:
    """The empty one is the root."""
    assert load(f"{MINIMAL}http: {{prefix: {written}}}").http.prefix == prefix


@pytest.mark.parametrize(
    ("http", "is_warned"),
    [
        ("addr: ':5000'", True),
        ("addr: '0.0.0.0:1'", True),
        ("addr: '[::]:1'", True),
        ("addr: 'example.org:1'", True),
        ("addr: '127.0.0.2:1'", False),
        ("addr: '[::1]:1'", False),
        ("addr: 'localhost:1'", False),
    ],
)
def test_an_open_registry_on_the_network_is_warned_of(load: Load, http: str, is_warned: bool) -> None:
    """Not one that only this machine reaches, nor one where people sign in."""
    warnings = load(f"{MINIMAL}http: {{{http}}}").warnings
    assert [(warning.key, warning.line) for warning in warnings] == ([("http.addr", 3)] if is_warned else [])
    assert load(f"{MINIMAL}{HTPASSWD}http: {{{http}}}").warnings == ()


def test_bare_numbers_as_durations_are_warned_of(load: Load) -> None:
    """They mean nanoseconds, which nobody means."""
    text = f"{MINIMAL}notifications:\n  endpoints:\n    - name: a\n      url: http://h\n      timeout: 5\n"
    config = load(text, {"REGISTRY_NOTIFICATIONS_ENDPOINTS_0_BACKOFF": "5000000000"})
    assert config.notifications.endpoints[0].timeout_seconds == 5e-9
    assert config.notifications.endpoints[0].backoff_seconds == 5.0
    by_line, by_variable = config.warnings
    assert str(by_line).endswith(
        "config.yml:7: notifications.endpoints[0].timeout: "
        "a bare number is nanoseconds: 5 means 5ns; write a unit, such as 10s"
    )
    assert str(by_variable).startswith("environment REGISTRY_NOTIFICATIONS_ENDPOINTS_0_BACKOFF: ")


def test_actions_that_no_event_has_are_warned_of(load: Load) -> None:
    """A filter that can never match is a typing error."""
    endpoint = "{name: a, url: 'http://h', ignore: {actions: [pull, pulls]}}"
    config = load(f"{MINIMAL}notifications: {{endpoints: [{endpoint}]}}")
    assert config.notifications.endpoints[0].ignored_actions == {"pull", "pulls"}
    assert [warning.key for warning in config.warnings] == ["notifications.endpoints[0].ignore.actions[1]"]


def test_a_configuration_cannot_be_changed(load: Load) -> None:
    """Processes share what they read."""
    with pytest.raises(ValidationError):
        load(MINIMAL).http.addr = ":1"


def test_a_configuration_that_was_not_loaded_has_no_driver_to_give() -> None:
    """The door is `load_config`; the message says so."""
    with pytest.raises(LookupError, match="load_config"):
        _ = Config.model_validate({"version": "0.1", "storage": {}}).storage.driver


@pytest.mark.parametrize(
    ("argument", "environ", "path"),
    [
        (None, {}, None),
        (None, {"REGISTRYHUB_CONFIG": "", "REGISTRY_CONFIGURATION_PATH": ""}, None),
        (None, {"REGISTRY_CONFIGURATION_PATH": "a"}, Path("a")),
        (None, {"REGISTRYHUB_CONFIG": "b", "REGISTRY_CONFIGURATION_PATH": "a"}, Path("b")),
        ("c", {"REGISTRYHUB_CONFIG": "b"}, Path("c")),
    ],
)
def test_the_file_is_the_argument_or_what_the_environment_names(
    argument: str | None, environ: dict[str, str], path: Path | None
) -> None:
    """The argument first."""
    assert find_path(argument, environ) == path


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """Missing, a folder, too large, not UTF-8."""
    (tmp_path / "large").write_bytes(b"#" * (1 << 20) + b"\n")
    (tmp_path / "latin").write_bytes(b"version: 0.1\n# caf\xe9\n")
    for name, text in [
        ("missing", "missing: cannot be read: No such file or directory; name a config.yml"),
        (".", ": cannot be read: Is a directory; name a config.yml"),
        ("large", "large: is larger than 1 MiB; name a config.yml"),
        ("latin", "latin:2: is no UTF-8 text; save it as UTF-8"),
    ]:
        with pytest.raises(ConfigError) as caught:
            load_config(tmp_path / name, {})
        assert str(caught.value).endswith(text)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    """Some editors write one."""
    path = tmp_path / "config.yml"
    path.write_bytes(b"\xef\xbb\xbf" + MINIMAL.encode())
    assert load_config(path, {}).version == "0.1"

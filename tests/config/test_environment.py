from pathlib import Path

import pytest
from pydantic import SecretStr

from tests.config.conftest import MINIMAL, Load, Mistakes

ENDPOINTS = (
    f"{MINIMAL}notifications:\n  endpoints:\n    - {{name: a, url: 'http://a'}}\n    - {{name: b, url: 'http://b'}}\n"
)
HEADERS = f"{MINIMAL}http: {{headers: {{X-Foo: [old], X_Bar: [old]}}}}\n"


def test_a_variable_replaces_what_the_file_says(load: Load) -> None:
    """Text as it stands, everything else as YAML."""
    config = load(
        f"{MINIMAL}http: {{addr: ':1'}}\nauth: {{htpasswd: {{realm: file, path: /x/y}}}}\n",
        {
            "REGISTRY_HTTP_ADDR": "127.0.0.1:2",
            "REGISTRY_AUTH_HTPASSWD_REALM": "123",
            "REGISTRY_HTTP_SECRET": "yes: [",
            "REGISTRY_STORAGE_DELETE_ENABLED": "on",
            "REGISTRY_HUB_WEB_WORKERS": "0x10",
            "REGISTRY_HUB_COLLECT_GRACE": "'24h'",
            "REGISTRY_LOG_LEVEL": "Debug",
        },
    )
    assert config.http.listen == ("127.0.0.1", 2)
    assert config.auth is not None
    assert config.auth.htpasswd is not None
    assert (config.auth.htpasswd.realm, config.auth.htpasswd.path) == ("123", Path("/x/y"))
    assert config.http.secret == SecretStr("yes: [")
    assert config.storage.delete.enabled
    assert (config.hub.web.workers, config.hub.collect.grace_seconds, config.log.level) == (16, 86400.0, "debug")


def test_a_whole_section_can_be_replaced_and_its_keys_still_set(load: Load) -> None:
    """Parents are applied before their children, whatever the order of the environment."""
    config = load(
        ENDPOINTS,
        {
            "REGISTRY_NOTIFICATIONS_ENDPOINTS_0_THRESHOLD": "7",
            "REGISTRY_NOTIFICATIONS_ENDPOINTS": "[{name: c, url: 'http://c'}]",
            "REGISTRY_STORAGE": "{filesystem: {rootdirectory: /srv}}",
            "REGISTRY_STORAGE_DELETE_ENABLED": "true",
        },
    )
    [endpoint] = config.notifications.endpoints
    assert (endpoint.name, endpoint.threshold) == ("c", 7)
    assert config.storage.driver.rootdirectory == Path("/srv")
    assert config.storage.delete.enabled


def test_items_of_lists_are_set_by_number(load: Load) -> None:
    """Deep, whole, appended, and more than ten of them, which byte order would put before the second."""
    environ = {f"REGISTRY_HUB_HOSTS_{number}": f"h{number}" for number in range(12)}
    config = load(
        ENDPOINTS,
        {
            **environ,
            "REGISTRY_NOTIFICATIONS_ENDPOINTS_0_URL": "https://new",
            "REGISTRY_NOTIFICATIONS_ENDPOINTS_1": "{name: d, url: 'http://d'}",
            "REGISTRY_NOTIFICATIONS_ENDPOINTS_2_NAME": "c",
            "REGISTRY_NOTIFICATIONS_ENDPOINTS_2_URL": "http://c",
            "REGISTRY_NOTIFICATIONS_ENDPOINTS_2_IGNORE_ACTIONS_0": "pull",
        },
    )
    assert config.hub.hosts == tuple(f"h{number}" for number in range(12))
    assert [(endpoint.name, str(endpoint.url)) for endpoint in config.notifications.endpoints] == [
        ("a", "https://new"),
        ("d", "http://d"),
        ("c", "http://c"),
    ]
    assert config.notifications.endpoints[2].ignored_actions == {"pull"}


def test_an_item_of_the_file_can_be_replaced(load: Load) -> None:
    """And the others stay."""
    config = load(f"{MINIMAL}hub: {{hosts: [a, b]}}\n", {"REGISTRY_HUB_HOSTS_0": "c"})
    assert config.hub.hosts == ("c", "b")


@pytest.mark.parametrize(
    ("environ", "headers"),
    [
        ({"X-FOO": "[new]"}, {"X-Foo": ("new",), "X_Bar": ("old",)}),
        ({"X-FOO_0": "new"}, {"X-Foo": ("new",), "X_Bar": ("old",)}),
        ({"X-FOO_1": "new"}, {"X-Foo": ("old", "new"), "X_Bar": ("old",)}),
        ({"X_BAR": "[new]"}, {"X-Foo": ("old",), "X_Bar": ("new",)}),
        ({"X_BAR_0": "new"}, {"X-Foo": ("old",), "X_Bar": ("new",)}),
        ({"X-New": "[1, 2]"}, {"X-Foo": ("old",), "X_Bar": ("old",), "x-new": ("1", "2")}),
        ({"X_N_0": "1", "X_N_1": "2"}, {"X-Foo": ("old",), "X_Bar": ("old",), "x_n": ("1", "2")}),
    ],
)
def test_free_keys_match_what_is_there_whatever_their_case(
    load: Load, environ: dict[str, str], headers: dict[str, tuple[str, ...]]
) -> None:
    """A new one is stored in lower case; underscores and numbers of items work."""
    prefixed = {f"REGISTRY_HTTP_HEADERS_{name}": value for name, value in environ.items()}
    assert load(HEADERS, prefixed).http.headers == headers


def test_keys_with_underscores_and_internal_names_are_reached(load: Load) -> None:
    """Which the reference cannot, and can only under its internal names."""
    config = load(
        MINIMAL,
        {
            "REGISTRY_HUB_EVENTS_BLOB_PULLS": "false",
            "REGISTRY_HUB_SECRET_KEY": "abc",
            "REGISTRY_NOTIFICATIONS_EVENTCONFIG_INCLUDEREFERENCES": "true",
        },
    )
    assert not config.hub.events.blob_pulls
    assert config.hub.secret_key == SecretStr("abc")
    assert config.notifications.events.includereferences
    assert load(
        MINIMAL, {"REGISTRY_NOTIFICATIONS_EVENTS_INCLUDEREFERENCES": "true"}
    ).notifications.events.includereferences


@pytest.mark.parametrize(
    "name",
    [
        "REGISTRY_PORT",
        "REGISTRY_PORT_5000_TCP_ADDR",
        "REGISTRY_SERVICE_HOST",
        "REGISTRY_HTTP_SERVICE_HOST",
        "REGISTRY_HTTP_ADDR_PORT",
        "REGISTRY_AUTH_PORT",
        "REGISTRY_AUTH_PORT_5000_TCP",
        "REGISTRY_REDIS_PORT",
        "REGISTRY_REDIS_SERVICE_HOST",
        "REGISTRY_REDIS_OPTIONS_NOTHING",
        "REGISTRY_PROXY_PORT",
        "REGISTRY_HEALTH_SERVICE_PORT",
        "REGISTRY_http_addr",
        "REGISTRY_HTTP__ADDR",
        "REGISTRY_",
        "REGISTRY_HUB_EVENTS_BLOB",
    ],
)
def test_what_leads_to_no_key_is_ignored_with_a_warning(load: Load, name: str) -> None:
    """Kubernetes sets variables for every service; they must not stop the hub."""
    [warning] = load(MINIMAL, {name: "tcp://10.0.0.1:5000"}).warnings
    assert str(warning).startswith(f"environment {name}: is no key of the configuration and ignored")


def test_a_typing_error_is_pointed_out(load: Load) -> None:
    """It is still only a warning."""
    [warning] = load(MINIMAL, {"REGISTRY_HTTP_RELATIVURLS": "true"}).warnings
    assert str(warning).endswith("ignored; did you mean REGISTRY_HTTP_RELATIVEURLS?")


def test_the_version_and_the_path_of_the_file_are_no_overrides(load: Load) -> None:
    """The first is the image's version for many; as in the reference it has no effect."""
    config = load(MINIMAL, {"REGISTRY_VERSION": "2.8.3", "REGISTRY_CONFIGURATION_PATH": "/x", "registry_port": "1"})
    assert [str(warning) for warning in config.warnings] == [
        "environment REGISTRY_VERSION: version: has no effect; the version stands in the file"
    ]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "REGISTRY_STORAGE_S3_BUCKET",
            "b",
            "storage.s3: is not served yet; remove it (the filesystem driver is served)",
        ),
        ("REGISTRY_STORAGE_TAG_CONCURRENCYLIMIT", "5", "storage.tag: is not served yet; remove it"),
        ("REGISTRY_STORAGE_FILESYSTEM_MAXTHREADS", "5", "storage.filesystem.maxthreads: is not served yet; remove it"),
        ("REGISTRY_HTTP_TLS_CERTIFICATE", "/x", "http.tls: is not served yet; remove it"),
        ("REGISTRY_HTTP_DEBUG_PROMETHEUS_PATH", "metrics", "http.debug.prometheus.path: must be a plain path"),
        ("REGISTRY_AUTH_TOKEN_REALM", "x", "auth.token.realm: is not served yet; remove it"),
        ("REGISTRY_LOG_ACCESSLOG_DISABLED", "true", "log.accesslog: is not served yet; remove it"),
        ("REGISTRY_LOGLEVEL", "debug", "loglevel: is not served yet; remove it (set log.level instead)"),
        ("REGISTRY_REDIS_ADDRS", "[a]", "redis.addrs: is not served yet; remove it (set hub.redis.url"),
        ("REGISTRY_REDIS_OPTIONS_ADDRS_0", "a", "redis.addrs: is not served yet; remove it (set hub.redis.url"),
        ("REGISTRY_REDIS", "{}", "redis: is not served yet; remove it (set hub.redis.url"),
        ("REGISTRY_HEALTH_FILECHECKERS_0_FILE", "/x", "health.file: is not served yet; remove it"),
        ("REGISTRY_HEALTH_HTTP_0_URI", "x", "health.http: is not served yet; remove it"),
        ("REGISTRY_MIDDLEWARE", "{}", "middleware: is not served yet; remove it"),
        ("REGISTRY_HUB_HOSTS_1", "a", "hub.hosts: has 0 items; the next one is REGISTRY_HUB_HOSTS_0"),
        ("REGISTRY_HUB_HOSTS_X", "a", "hub.hosts: is a list; name an item by its number, such as REGISTRY_HUB_HOSTS_0"),
        ("REGISTRY_HUB_HOSTS", "a,b", "hub.hosts: must be a list, such as [a, b]"),
        ("REGISTRY_HUB_HOSTS", "[a", "hub.hosts: is no valid YAML: expected ',' or ']'"),
        ("REGISTRY_NOTIFICATIONS_ENDPOINTS", "[{name: a}]", "notifications.endpoints[0].url: is missing; write it"),
        ("REGISTRY_NOTIFICATIONS_ENDPOINTS_0_NAME", "a", "notifications.endpoints[0].url: is missing; write it"),
        ("REGISTRY_HTTP", "{addr: ':1', adr: x}", "http.adr: is unknown; did you mean addr?"),
        ("REGISTRY_HUB_WEB_WORKERS", "'2'", "hub.web.workers: must be a whole number, without quotes"),
        ("REGISTRY_HTTP_ADDR", "x", "http.addr: must be HOST:PORT"),
    ],
)
def test_mistakes_in_variables_name_the_variable(mistakes: Mistakes, name: str, value: str, message: str) -> None:
    """And the key it means, and the mend."""
    [found] = mistakes(MINIMAL, {name: value})
    assert found.startswith(f"environment {name}: {message}")


def test_a_variable_below_a_mistake_of_the_file_does_not_hide_it(mistakes: Mistakes) -> None:
    """What the file has wrong is told, whatever the environment adds."""
    text = f"{MINIMAL}http: 5\nnotifications: {{endpoints: a}}\n"
    assert mistakes(text, {"REGISTRY_HTTP_ADDR": ":1", "REGISTRY_NOTIFICATIONS_ENDPOINTS_0_NAME": "a"}) == [
        "config.yml:3: http: must be a mapping of keys to values",
        "config.yml:4: notifications.endpoints: must be a list, such as [a, b]",
    ]


def test_sections_that_the_file_leaves_empty_can_be_filled(load: Load) -> None:
    """Null, a bare text and `none` give way to keys."""
    text = "version: 0.1\nstorage: filesystem\nauth: none\nhttp:\nhub: {hosts: }\n"
    config = load(
        text,
        {
            "REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY": "/srv",
            "REGISTRY_AUTH_HTPASSWD": "{realm: a, path: /x/y}",
            "REGISTRY_HTTP_PREFIX": "/a/",
            "REGISTRY_HUB_HOSTS_0": "a",
        },
    )
    assert config.storage.driver.rootdirectory == Path("/srv")
    assert config.auth is not None
    assert config.http.prefix == "/a/"
    assert config.hub.hosts == ("a",)


def test_an_empty_variable_resets_what_is_no_text(load: Load) -> None:
    """Empty YAML is null; an empty secret is no secret."""
    text = f"{ENDPOINTS}hub: {{public: true, web: {{workers: 5}}}}\nhttp: {{secret: x, host: 'http://h'}}\n"
    environ = dict.fromkeys(
        (
            "REGISTRY_NOTIFICATIONS_ENDPOINTS",
            "REGISTRY_HUB_PUBLIC",
            "REGISTRY_HUB_WEB_WORKERS",
            "REGISTRY_HTTP_SECRET",
            "REGISTRY_HTTP_HOST",
        ),
        "",
    )
    assert load(text, environ) == load(MINIMAL)


PLAIN = [
    ("DATABASE_URL", "postgres://u:p@h/d"),
    ("REDIS_URL", "redis://h/1"),
    ("SECRET_KEY", "abc"),
]
IN_FILE = f"{MINIMAL}hub: {{data: /file, secret_key: file, database: {{url: 'postgres://file/file'}}, redis: {{url: 'redis://file'}}}}"


def test_the_variables_every_host_knows_win_over_all(load: Load) -> None:
    """Over the file, and over the longer names."""
    environ = dict(PLAIN) | {"HUB_DATA": "/plain"}
    longer = {
        "REGISTRY_HUB_DATA": "/long",
        "REGISTRY_HUB_DATABASE_URL": "postgres://long/long",
        "REGISTRY_HUB_REDIS_URL": "redis://long",
        "REGISTRY_HUB_SECRET_KEY": "long",
    }
    config = load(IN_FILE, environ | longer)
    assert (config.hub.data, config.database_url, config.redis_url, config.hub.secret_key) == (
        Path("/plain"),
        "postgres://u:p@h/d",
        "redis://h/1",
        SecretStr("abc"),
    )
    assert load(IN_FILE, longer).hub.data == Path("/long")
    assert load(IN_FILE, dict.fromkeys(environ, "")) == load(IN_FILE)


@pytest.mark.parametrize(("name", "value"), PLAIN)
def test_the_value_can_stand_in_a_file(load: Load, mistakes: Mistakes, tmp_path: Path, name: str, value: str) -> None:
    """As container secrets do; what is wrong with the file names the variable."""
    file = tmp_path / "secret"
    file.write_text(f"{value}\n")
    assert load(MINIMAL, {f"{name}_FILE": str(file), name: ""}) == load(MINIMAL, {name: value})
    variable = f"environment {name}_FILE: hub."
    [both] = mistakes(MINIMAL, {f"{name}_FILE": str(file), name: value})
    assert both.startswith(variable)
    assert both.endswith(f"is set together with {name}; remove one of them")
    file.write_text("\n")
    [empty] = mistakes(MINIMAL, {f"{name}_FILE": str(file)})
    assert empty.endswith("names secret, which is empty")
    file.write_bytes(b"\xff")
    [binary] = mistakes(MINIMAL, {f"{name}_FILE": str(file)})
    assert binary.endswith("names secret, which cannot be read: it is no UTF-8 text")
    [missing] = mistakes(MINIMAL, {f"{name}_FILE": "/nowhere/secret"})
    assert missing.startswith(variable)
    assert missing.endswith("names /nowhere/secret, which cannot be read: No such file or directory")


def test_a_broken_value_in_a_file_names_the_variable_of_the_file(mistakes: Mistakes, tmp_path: Path) -> None:
    """Which is the one to look at."""
    (tmp_path / "url").write_text("mysql://h/d")
    [found] = mistakes(MINIMAL, {"DATABASE_URL_FILE": str(tmp_path / "url")})
    assert found.startswith(
        "environment DATABASE_URL_FILE: hub.database.url: must be a URL that begins with postgres://"
    )

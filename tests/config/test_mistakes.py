import pytest

from registryhub.config.errors import Problem
from registryhub.config.unserved import UNSERVED
from tests.config.conftest import MINIMAL, Load, Mistakes

OFFICIAL = """\
version: 0.1
log:
  level: debug
  fields:
    service: registry
    environment: development
storage:
    delete:
      enabled: true
    cache:
        blobdescriptor: inmemory
    filesystem:
        rootdirectory: /var/lib/registry
    maintenance:
        uploadpurging:
            enabled: false
    tag:
      concurrencylimit: 8
http:
    addr: :5000
    debug:
        addr: :5001
        prometheus:
            enabled: true
            path: /metrics
    headers:
        X-Content-Type-Options: [nosniff]
health:
  storagedriver:
    enabled: true
    interval: 10s
    threshold: 3
"""


def test_the_configuration_of_the_official_image_is_told_what_to_remove(mistakes: Mistakes) -> None:
    """Every key that is not served, by name and line, and nothing else."""
    assert mistakes(OFFICIAL) == [
        "config.yml:4: log.fields: is not served yet; remove it",
        "config.yml:10: storage.cache: is not served yet; remove it",
        "config.yml:17: storage.tag: is not served yet; remove it",
        "config.yml:28: health: is not served yet; remove it",
    ]


def test_what_the_mistakes_say_to_remove_is_all_there_is_to_it(load: Load) -> None:
    """Without these keys the official configuration is served."""
    text = (
        "version: 0.1\nlog: {level: debug}\nstorage:\n  delete: {enabled: true}\n"
        "  filesystem: {rootdirectory: /var/lib/registry}\n"
        "http:\n  addr: :5000\n  debug: {addr: ':5001', prometheus: {enabled: true, path: /metrics}}\n"
        "  headers: {X-Content-Type-Options: [nosniff]}\n"
    )
    http = load(text).http
    assert http.headers == {"X-Content-Type-Options": ("nosniff",)}
    assert (http.debug.listen, http.debug.prometheus.enabled) == (("0.0.0.0", 5001), True)


@pytest.mark.parametrize("path", [path for row in UNSERVED for path in row.paths()])
def test_every_key_of_the_table_is_refused_by_name(mistakes: Mistakes, path: str) -> None:
    """In the file, whatever stands around it; a section that is not served at all is named once."""
    section, _, key = path.rpartition(".")
    text = f"{key}: {{}}"
    for name in reversed(section.split(".") if section else []):
        text = f"{name}: {{{text}}}"
    text = f"version: 0.1\n{text}\n" if path.startswith("storage") else f"{MINIMAL}{text}\n"
    refused = [line for line in mistakes(text) if "is not served yet; remove it" in line]
    [line] = refused
    named = line.split(": ")[1]
    assert path == named or path.startswith(f"{named}.")


def test_everything_is_told_at_once(mistakes: Mistakes) -> None:
    """Mistakes of the document, of keys, of values, between keys, and of the environment, in the order of lines."""
    text = """\
version: 0.2
storage:
  cache: {}
http:
  addr: nowhere
  adr: ":1"
  addr: ":2"
auth: {htpasswd: {realm: r}, token: {}}
notifications:
  endpoints:
    - {name: a, url: "http://h", timeout: soon}
    - name: a
      url: h
"""
    assert mistakes(text, {"REGISTRY_HTTP_RELATIVEURLS": "maybe", "REGISTRY_PROXY_REMOTEURL": "http://h"}) == [
        "config.yml:1: version: is no version this server reads; write version: 0.1",
        "config.yml:2: storage: names no driver; add filesystem: {rootdirectory: /var/lib/registry}",
        "config.yml:3: storage.cache: is not served yet; remove it",
        "config.yml:5: http.addr: must be HOST:PORT with a port up to 65535, such as 127.0.0.1:5000 or :5000",
        "config.yml:6: http.adr: is unknown; did you mean addr?",
        "config.yml:7: http.addr: is written twice, first on line 5; keep one",
        "config.yml:8: auth: names 2 types (htpasswd, token); keep one",
        "config.yml:8: auth.htpasswd.path: is missing; write it",
        "config.yml:8: auth.token: is not served yet; remove it",
        "config.yml:11: notifications.endpoints[0].timeout: is no duration; "
        "write a number and a unit of ns, us, ms, s, m or h, such as 500ms, 10s or 1h30m",
        "config.yml:12: notifications.endpoints[1].name: is already the name of endpoint 0; "
        "name each endpoint differently",
        "config.yml:13: notifications.endpoints[1].url: must be a URL that begins with https:// or http://",
        "environment REGISTRY_HTTP_RELATIVEURLS: http.relativeurls: must be true or false, without quotes",
        "environment REGISTRY_PROXY_REMOTEURL: proxy.remoteurl: is not served yet; remove it",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["config.yml: storage: is missing; write it", "config.yml: version: is missing; write it"]),
        ("- a", ["config.yml: must be a mapping of keys, beginning with version: 0.1"]),
        ("hello", ["config.yml: must be a mapping of keys, beginning with version: 0.1"]),
        (
            "version: 0.1\nstorage:\n",
            ["config.yml:2: storage: names no driver; add filesystem: {rootdirectory: /var/lib/registry}"],
        ),
        (
            "version: 0.1\nstorage: 5\n",
            ["config.yml:2: storage.5: is unknown; remove it (known here: filesystem, delete, maintenance)"],
        ),
        (
            "version: 0.1\nstorage: inmemory\n",
            ["config.yml:2: storage.inmemory: is not served yet; remove it (the filesystem driver is served)"],
        ),
        ("version: 0.1\nstorage: [filesystem]\n", ["config.yml:2: storage: must be a mapping of keys to values"]),
    ],
)
def test_documents_that_are_no_configuration(mistakes: Mistakes, text: str, expected: list[str]) -> None:
    """Empty, of the wrong kind, or without what is required."""
    assert sorted(mistakes(text)) == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("stroage: {}", "stroage: is unknown; did you mean storage?"),
        ("HTTP: {}", "HTTP: is unknown; did you mean http?"),
        ("helth: {}", "helth: is unknown; did you mean health?"),
        ("rootdirectory: /x", "rootdirectory: is unknown here; did you mean storage.filesystem.rootdirectory?"),
        ("blobdescriptor: x", "blobdescriptor: is unknown; remove it (known here: version, log, storage, http, auth, "),
        ("http: {tsl: {}}", "http.tsl: is unknown; did you mean tls?"),
        ("http: {timeout_seconds: 1}", "http.timeout_seconds: is unknown; remove it (known here: addr, prefix, "),
        ("hub: {pool: 4}", "hub.pool: is unknown here; did you mean hub.database.pool?"),
        ("hub: {journal: {interval_seconds: 1}}", "hub.journal.interval_seconds: is unknown; did you mean interval?"),
        ("loglevel: debug", "loglevel: is not served yet; remove it (set log.level instead)"),
        ("redis: {addrs: [a]}", "redis: is not served yet; remove it (set hub.redis.url or REDIS_URL instead)"),
    ],
)
def test_unknown_keys_are_named_with_what_was_meant(mistakes: Mistakes, line: str, message: str) -> None:
    """The nearest name here, or the same name elsewhere, or what is known here."""
    [found] = mistakes(f"{MINIMAL}{line}\n")
    assert found.startswith(f"config.yml:3: {message}")


NAME = "notifications.endpoints[0].name"
ENDPOINT = "notifications: {endpoints: [{name: a, url: 'http://h', %s}]}"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("log: {level: loud}", "log.level: must be 'error', 'warn', 'info' or 'debug'"),
        ("log: debug", "log: must be a mapping of keys to values"),
        ("http: {addr: '::1:5000'}", "http.addr: holds a bare IPv6 address; write it in brackets, such as [::1]:5000"),
        ("http: {addr: '[::x]:5000'}", "http.addr: holds no valid IPv6 address in its brackets"),
        ("http: {addr: 'a b:5000'}", "http.addr: holds no valid host name"),
        ("http: {addr: ':65536'}", "http.addr: must be HOST:PORT"),
        ("http: {addr: ':http'}", "http.addr: must be HOST:PORT"),
        ("http: {addr: ['a']}", "http.addr: must be one value, not a list or mapping"),
        ("http: {prefix: a/}", "http.prefix: must be a plain path that begins and ends with /, such as /registry/"),
        ("http: {prefix: /a}", "http.prefix: must be a plain path that begins and ends with /"),
        ("http: {prefix: /a/../}", "http.prefix: must be a plain path"),
        ("http: {prefix: '/a?b/'}", "http.prefix: must be a plain path"),
        ("http: {host: 'registry.example.org:5000'}", "http.host: must be a URL that begins with https:// or http://"),
        ("http: {host: 'https://'}", "http.host: names no host; write a URL such as https://example.org/path"),
        ("http: {host: 'https://a/?b'}", "http.host: must be a plain address"),
        ("http: {host: 'https://u@a/'}", "http.host: must be a plain address"),
        ("http: {host: 'https://[a/'}", "http.host: is no valid URL: its host is malformed"),
        ("http: {relativeurls: 1}", "http.relativeurls: must be true or false, without quotes"),
        ("http: {relativeurls: 'true'}", "http.relativeurls: must be true or false, without quotes"),
        ("http: {headers: [a]}", "http.headers: must be a mapping of keys to values"),
        ("http: {headers: {X: a}}", "http.headers.X: must be a list, such as [a, b]"),
        ("http: {headers: {X: [~]}}", "http.headers.X[0]: is empty; write a value or remove it"),
        ("http: {headers: {X: [[a]]}}", "http.headers.X[0]: must be one value, not a list or mapping"),
        ("http: {headers: {'X Y': [a]}}", "http.headers.X Y: is no header name"),
        ("http: {headers: {X: [a], x: [b]}}", "http.headers.x: is the same header as X; write all values in one list"),
        ("http: {headers: {Content-Length: [1]}}", "http.headers.Content-Length: is set by the server itself"),
        ('http: {headers: {X: ["a\\nb"]}}', "http.headers.X[0]: holds a line break"),
        ("auth: htpasswd", "auth.htpasswd.path: is missing; write it"),
        ("auth: {htpasswd: {realm: '', path: /x/y}}", "auth.htpasswd.realm: is empty"),
        ('auth: {htpasswd: {realm: "a\\rb", path: /x/y}}', "auth.htpasswd.realm: holds a line break"),
        ("auth: {htpasswd: {realm: a, path: /}}", "auth.htpasswd.path: is a folder; name the file itself"),
        ("auth: {htpasswd: {realm: a, path: ''}}", "auth.htpasswd.path: must be the path of a file or folder"),
        ("auth: {none: , htpasswd: {realm: a, path: /x/y}}", "auth: names 2 types (none, htpasswd); keep one"),
        ("notifications: {endpoints: {}}", "notifications.endpoints: must be a list, such as [a, b]"),
        ("notifications: {endpoints: [{name: a}]}", "notifications.endpoints[0].url: is missing; write it"),
        ("notifications: {endpoints: [{name: ' ', url: 'http://h'}]}", "notifications.endpoints[0].name: is empty"),
        (
            f"notifications: {{endpoints: [{{name: {'n' * 101}, url: 'http://h'}}]}}",
            f"{NAME}: is longer than 100 characters",
        ),
        (
            'notifications: {endpoints: [{name: "a\\tb", url: "http://h"}]}',
            f"{NAME}: is longer than 100 characters or holds",
        ),
        ("notifications: {endpoints: [{url: 'http://h'}]}", "notifications.endpoints[0].name: is missing; write it"),
        ("notifications: {endpoints: [{name: a, url: 'http://h h'}]}", "notifications.endpoints[0].url: holds a space"),
        (
            "notifications: {endpoints: [{name: a, url: 'http://h:x'}]}",
            "notifications.endpoints[0].url: is no valid URL",
        ),
        (ENDPOINT % "threshold: many", "notifications.endpoints[0].threshold: must be a whole number, without quotes"),
        (ENDPOINT % "threshold: 1.5", "notifications.endpoints[0].threshold: must be a whole number, without quotes"),
        (ENDPOINT % "threshold: true", "notifications.endpoints[0].threshold: must be a whole number, without quotes"),
        (ENDPOINT % "threshold: 9999999999", "notifications.endpoints[0].threshold: must be at most 2147483647"),
        (ENDPOINT % "maxretries: 2147483648", "notifications.endpoints[0].maxretries: must be at most 2147483647"),
        (ENDPOINT % "timeout: '5'", "notifications.endpoints[0].timeout: is no duration"),
        (ENDPOINT % "timeout: 1d", "notifications.endpoints[0].timeout: has the unknown unit 'd'"),
        (ENDPOINT % "timeout: 300000000h", "notifications.endpoints[0].timeout: is longer than 292 years"),
        (ENDPOINT % "timeout: [1s]", "notifications.endpoints[0].timeout: must be one value, not a list or mapping"),
        (ENDPOINT % "headers: {Host: [a]}", "notifications.endpoints[0].headers.Host: is set by the server itself"),
        (ENDPOINT % "maxattempts: -1", "notifications.endpoints[0].maxattempts: must be at least 0"),
        (ENDPOINT % "maxbackoff: 500ms", "notifications.endpoints[0].maxbackoff: is shorter than backoff"),
        (ENDPOINT % "maxattempts: 1, maxretries: 2", "notifications.endpoints[0].maxretries: is the same key"),
        (ENDPOINT % "tls: {capem: hush}", "notifications.endpoints[0].tls.capem: holds no certificate in PEM"),
        (ENDPOINT % "tls: {capem: é}", "notifications.endpoints[0].tls.capem: holds no certificate in PEM"),
        (ENDPOINT % "tls: {key: a.pem}", "notifications.endpoints[0].tls.certificate: is missing beside the key"),
        (
            ENDPOINT % "proxy: 'socks5://h:1'",
            "notifications.endpoints[0].proxy: must be a URL that begins with http://",
        ),
        (ENDPOINT % "ratelimit: 10", "notifications.endpoints[0].ratelimit: is no rate; write a number of requests"),
        (ENDPOINT % "face: happy", "notifications.endpoints[0].face: must be 'distribution', 'batch', "),
        (ENDPOINT % "batchsize: 2", "notifications.endpoints[0].batchsize: is more than the face distribution holds"),
        (ENDPOINT % "face: batch, batchsize: 1001", "notifications.endpoints[0].batchsize: is more than 1000"),
        (ENDPOINT % "inflight: 2", "notifications.endpoints[0].inflight: lets events overtake each other; write order"),
        (ENDPOINT % "order: none, inflight: 33", "notifications.endpoints[0].inflight: is more than 32"),
        (ENDPOINT % "order: tag", "notifications.endpoints[0].order: must be 'all', 'repository' or 'none'"),
        (ENDPOINT % "face: standard", "notifications.endpoints[0].secrets: is empty; list the secret"),
        (ENDPOINT % "face: standard, secrets: [hush]", "notifications.endpoints[0].secrets[0]: is no secret"),
        (ENDPOINT % "face: slack, template: '{nane}'", "notifications.endpoints[0].template: names {nane}, which no"),
        (ENDPOINT % "ignore: [pull]", "notifications.endpoints[0].ignore: must be a mapping of keys to values"),
        (ENDPOINT % "ignore: {actions: pull}", "notifications.endpoints[0].ignore.actions: must be a list"),
        ("hub: {database: {url: 'mysql://h/d'}}", "hub.database.url: must be a URL that begins with postgres://"),
        ("hub: {database: {url: 'postgres://h'}}", "hub.database.url: names no database; write postgres://USER"),
        ("hub: {database: {url: 'sqlite://'}}", "hub.database.url: must name a file"),
        ("hub: {database: {url: 'sqlite:///:memory:'}}", "hub.database.url: must name a file"),
        ("hub: {database: {url: 'sqlite://a/b'}}", "hub.database.url: must name a file"),
        ("hub: {database: {pool: 0}}", "hub.database.pool: must be at least 1"),
        ("hub: {database: fast}", "hub.database: must be a mapping of keys to values"),
        ("hub: {redis: {url: 'redis://'}}", "hub.redis.url: names no server; write redis://HOST:PORT/0"),
        ("hub: {redis: {url: 'http://h'}}", "hub.redis.url: must be a URL that begins with redis://"),
        ("hub: {data: [a]}", "hub.data: must be one value, not a list or mapping"),
        ("hub: {hosts: a.org}", "hub.hosts: must be a list, such as [a, b]"),
        ("hub: {hosts: ['https://a.org']}", "hub.hosts[0]: must be a host name without scheme or port"),
        ("hub: {hosts: ['a.org:80']}", "hub.hosts[0]: must be a host name without scheme or port"),
        ("hub: {public: maybe}", "hub.public: must be true or false, without quotes"),
        ("hub: {journal: {fsync: sometimes}}", "hub.journal.fsync: must be 'never', 'interval' or 'always'"),
        ("hub: {journal: {interval: 0s}}", "hub.journal.interval: must be longer than 0"),
        ("hub: {web: {workers: 0}}", "hub.web.workers: must be at least 1"),
        ("hub: {web: {threads: -1}}", "hub.web.threads: must be at least 1"),
        ("hub: {limits: {manifest_bytes: 4M}}", "hub.limits.manifest_bytes: is no size; write bytes or a whole number"),
        ("hub: {limits: {free_bytes: -1}}", "hub.limits.free_bytes: must be between 0 and 8 EiB"),
        ("hub: {limits: {envelope_events: 0}}", "hub.limits.envelope_events: must be at least 1"),
        ("tags: {maxtags: -1}", "tags.maxtags: must be 0 or more; 0 means 1000"),
        ("validation: {manifests: {urls: {allow: ['(']}}}", "validation.manifests.urls.allow[0]: is no regular expr"),
        (
            "validation: {manifests: {indexes: {platforms: list}}}",
            "validation.manifests.indexes.platformlist: is empty; list the platforms, or write platforms: none",
        ),
        ("policy: {repository: {classes: [chart]}}", "policy.repository.classes[0]: must be 'image' or 'plugin'"),
        ("hub: {proxies: [proxy]}", "hub.proxies[0]: must be an address or network such as 10.1.2.3 or 10.0.0.0/8"),
        ("hub: {collect: {grace: soon}}", "hub.collect.grace: "),
        ("hub: {retention: {interval: 0s}}", "hub.retention.interval: must be longer than 0"),
    ],
)
def test_values_that_cannot_be_meant(mistakes: Mistakes, line: str, message: str) -> None:
    """Each is one problem with its key, its line and the mend."""
    found = mistakes(f"{MINIMAL}\n{line}\n")
    assert any(problem.startswith(f"config.yml:4: {message}") for problem in found), found
    assert len(found) == 1 or line == "auth: htpasswd"


def test_broken_yaml_is_one_problem(mistakes: Mistakes) -> None:
    """There is nothing else to say about it."""
    [found] = mistakes("version: 0.1\nstorage: [\n")
    assert found.startswith("config.yml:3: is no valid YAML: ")


def test_a_problem_without_a_place_is_still_a_sentence() -> None:
    """Problems of the embedded default have no file."""
    assert str(Problem("is missing", "version")) == "version: is missing"
    assert Problem("x").line is None
    assert Problem("x").variable is None

"""Values of what there is, and of what makes sense, for the generated requests: random ones are found nowhere."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from notifications.log.models import Event
from registryhub.doctor.models import Checkup
from tests.rest import Rest

OFTEN, SOMETIMES = 0.7, 0.3
"""How often a value is one of these, and where it narrows what is found: what all requests say hides the rest."""

Values = Sequence[str | int]

_TEXTS = ("repository", "tag", "digest", "actor", "event_id")
_MOMENTS = ("2026-11-24", "2026-11-24T12:00:00Z", "2999-12-31T23:59:59+14:00", "0001-01-01T00:00:00+14:00")
_NUMBERS = (1, 7, 86_400, 2**31, 2**63 - 1)
_WORDS: Mapping[str, Values] = {
    "body.name": ("new-one", "ci-trigger", "proxy"),
    "body.namespace": ("web", "tools", "platform", "no/where"),
    "body.repositories": ("**", "platform/*", "base/python"),
    "body.tags": (".*", r"v?\d+\.\d+", "latest"),
    "body.except_tags": ("", ".*-lts"),
    "body.tag_pattern": ("*", "1.*"),
    "body.grace": ("24h", "0s", "100000000h"),
    "body.overlap": ("1h", "0s", "100000000h"),
    "body.timeout": ("5s", "1m"),
    "body.face": ("standard", "distribution"),
    "body.url": ("http://127.0.0.1:9/hook", "https://hooks.example.org/x", "http://[::1]"),
    "body.to": ("ci-trigger", "typed-in"),
    "header.If-None-Match": ('"unknown"',),
    "body.keep_newest": (1, 1000),
    "body.pushed_within_seconds": _NUMBERS,
    "body.used_within_seconds": _NUMBERS,
    "body.limit_bytes": _NUMBERS,
    "body.since": _MOMENTS,
    "body.until": _MOMENTS,
    "query.since": _MOMENTS,
    "query.until": _MOMENTS,
    "query.start": _MOMENTS,
    "query.end": _MOMENTS,
    "query.limit": (1, 2, 50),
}


def known_values(rest: Rest, paths: Mapping[str, Any]) -> dict[str, Any]:
    """As schemathesis is configured: dictionaries, and which parameter of which operation takes its values from one."""
    texts = dict(_of_hub(rest))
    everywhere = {**_WORDS, **{f"{place}.{name}": texts[name] for name in texts for place in ("query", "body")}}
    cursors = _cursors(rest, paths)
    own = {path: {name: values} for path in paths for name, values in _of_path(rest, path, cursors) if values}
    listed = [everywhere, *own.values()]
    return {
        "dictionaries": {_key(values): {"values": list(values)} for each in listed for values in each.values()},
        "parameters": _bindings(everywhere),
        "operations": [{"include-path": path, "parameters": _bindings(values)} for path, values in own.items()],
    }


def _key(values: Values) -> str:
    return repr(values)


def _bindings(values: Mapping[str, Values]) -> dict[str, Any]:
    return {name: {"dictionary": _key(listed), "probability": _how_often(name)} for name, listed in values.items()}


def _how_often(name: str) -> float:
    return SOMETIMES if name.startswith("query.") and name != "query.repository" else OFTEN


def _of_hub(rest: Rest) -> Iterator[tuple[str, Values]]:
    for name in ("endpoint", "service"):
        yield name, [each["name"] for each in rest.get(f"{name}s").document["results"]]
    yield "source", [*["hub"] * 5, *(each["name"] for each in rest.get("sources").document["results"])]
    for name in _TEXTS:
        yield name, sorted(Event.objects.exclude(**{name: ""}).order_by().values_list(name, flat=True).distinct())[-9:]


def _of_path(rest: Rest, path: str, cursors: Mapping[str, str]) -> Iterator[tuple[str, Values]]:
    listing = path.removeprefix("/api/v1/").partition("/")[0]
    if "{id}" in path:
        ids = _ids(rest, listing)
        yield "path.id", [*ids, *map(str, ids)]
    elif listing == "services" and "{name}" in path:
        yield "path.name", [each["name"] for each in rest.get(listing).document["results"]]
    elif "{board}" in path:
        yield "path.board", [each["board"] for each in rest.get(listing).document["results"]]
    elif path in cursors:
        yield "query.cursor", [cursors[path], *cursors.values()]


def _ids(rest: Rest, listing: str) -> list[int]:
    if listing == "doctor":
        return list(Checkup.objects.values_list("pk", flat=True))
    return [each["id"] for each in rest.get(listing).document["results"]]


def _cursors(rest: Rest, paths: Mapping[str, Any]) -> dict[str, str]:
    """Of all listings: the cursor of another one is a mistake that people make."""
    pages = {path: rest.get(f"{path.removeprefix('/api/v1/')}?limit=1") for path in paths if "{" not in path}
    links = {path: page.document.get("next") for path, page in pages.items() if page.status == 200}
    return {path: parse_qs(urlsplit(link).query)["cursor"][0] for path, link in links.items() if isinstance(link, str)}

"""What there is in the hub, as values for the generated requests: names made up at random are found nowhere."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from registryhub.doctor.models import Checkup
from notifications.log.models import Event
from tests.rest import Rest

OFTEN = 0.7
"""How often a parameter has a value of something that is there."""

_NAMED = {"repositories": "name", "services": "name", "leaderboards": "board"}
_TEXTS = ("repository", "tag", "digest", "actor", "event_id")

Values = Sequence[str | int]


def known_values(rest: Rest, paths: Mapping[str, Any]) -> dict[str, Any]:
    """As schemathesis is configured: dictionaries, and which parameter of which operation takes its values from which."""
    found = dict(_of_all(rest))
    everywhere = {f"query.{name}": _often(name) for name in found} | {f"body.{name}": _often(name) for name in found}
    operations = []
    for path in paths:
        values = {name: values for name, values in _of_path(rest, path) if values}
        for name, listed in values.items():
            found[f"{path} {name}"] = listed
        if values:
            taken = {name: _often(f"{path} {name}") for name in values}
            operations.append({"include-path": path, "parameters": taken})
    return {
        "dictionaries": {name: {"values": list(listed)} for name, listed in found.items()},
        "parameters": everywhere,
        "operations": operations,
    }


def _often(dictionary: str) -> dict[str, Any]:
    return {"dictionary": dictionary, "probability": OFTEN}


def _of_all(rest: Rest) -> Iterator[tuple[str, Values]]:
    yield "endpoint", [each["name"] for each in rest.get("endpoints").document["results"]]
    yield "source", [each["name"] for each in rest.get("sources").document["results"]]
    yield "service", [each["name"] for each in rest.get("services").document["results"]]
    for name in _TEXTS:
        yield name, sorted(Event.objects.exclude(**{name: ""}).order_by().values_list(name, flat=True).distinct())[-9:]


def _of_path(rest: Rest, path: str) -> Iterator[tuple[str, Values]]:
    below = path.removeprefix("/api/v1/")
    listing = below.partition("/")[0]
    if "{id}" in below:
        ids = _ids(rest, listing)
        yield "path.id", [*ids, *map(str, ids)]
    if listing in _NAMED and "{" in below:
        name = _NAMED[listing]
        key = "board" if name == "board" else "name"
        yield f"path.{name}", [each[key] for each in rest.get(listing).document["results"]]
    if "{" not in below:
        yield "query.cursor", _cursors(rest, below)


def _ids(rest: Rest, listing: str) -> Values:
    if listing == "doctor":
        return list(Checkup.objects.values_list("pk", flat=True))
    return [each["id"] for each in rest.get(listing).document["results"]]


def _cursors(rest: Rest, listing: str) -> Values:
    page = rest.get(f"{listing}?limit=1")
    link = page.document.get("next") if page.status == 200 else None
    return parse_qs(urlsplit(link).query)["cursor"] if isinstance(link, str) else []

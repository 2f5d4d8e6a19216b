"""What each registry sends, as it documents it, and what is made of it."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications import events
from notifications.analytics.classify import is_manifest
from notifications.log.readers import ReadEvent, Unreadable
from notifications.receiver.adapters.payloads import Ignored
from notifications.receiver.adapters.reader import Part, read
from notifications.receiver.adapters.split import InvalidEnvelope
from notifications.receiver.adapters.table import ADAPTERS
from registryhub.oci.errors import OciError
from tests.notifications.receiver.adapters.samples import NAMES, expected, parts, payload, stored, tell

pytestmark = pytest.mark.only_database("sqlite")

COUNTED = [name for name in NAMES if expected(name)["events"]]


def told(name: str, change: Callable[[Any], object] | None = None) -> list[Part]:
    """What a sample tells after a change to it."""
    document = json.loads(payload(name))
    if change:
        change(document)
    return parts(json.dumps(document).encode(), expected(name)["headers"])


def ids(found: list[Part]) -> list[str]:
    return [part.event.id if isinstance(part, ReadEvent) else "-" for part in found]


@pytest.mark.parametrize("name", NAMES)
def test_a_sample_tells_what_is_written_beside_it(name: str) -> None:
    """Pushes, pulls and deletes are events; scans, charts, stars and tests of the connection are taken and ignored."""
    wanted = expected(name)
    assert tell(payload(name), wanted["headers"]) == {"events": wanted["events"], "ignored": wanted["ignored"]}
    assert bool(wanted["events"]) or wanted["ignored"]


def test_every_adapter_has_samples() -> None:
    """So that none is forgotten when one is added; those that hand on what they are given leave no name."""
    found = [json.loads(part.raw) for name in COUNTED for part in told(name) if isinstance(part, ReadEvent)]
    handing_on = {"RegistryHub", "CloudEvents", "CNCF Distribution", "other events of GitHub, Gitea and Forgejo"}
    assert {document["original"]["format"] for document in found if "original" in document} | handing_on == {
        adapter.NAME for adapter in ADAPTERS
    }


@pytest.mark.parametrize("name", COUNTED)
def test_the_log_keeps_an_event_of_this_wire_with_the_original_in_it(name: str) -> None:
    """Endpoints are sent what they can read, and whoever asks sees what came; an event that is one stays as it is."""
    for part in told(name):
        if isinstance(part, Ignored):
            continue
        assert isinstance(part, ReadEvent)
        assert events.parse(part.raw) == part.event
        original = json.loads(part.raw).get("original")
        assert original is None or original["payload"] in as_came(name)


def as_came(name: str) -> list[Any]:
    """The documents of a sample, with the attributes that came in headers."""
    document = json.loads(stored(payload(name), expected(name)["headers"]))
    return document if isinstance(document, list) else [document, json.loads(payload(name))]


@pytest.mark.parametrize("name", COUNTED)
def test_every_push_and_pull_of_an_adapter_is_of_a_manifest(name: str) -> None:
    """Where neither tag nor media type is told, too: it would be counted as a blob."""
    for part in told(name):
        if isinstance(part, ReadEvent) and part.event.action != "delete":
            assert is_manifest(part.event.media_type, part.event.tag)


@pytest.mark.parametrize("name", [name for name in COUNTED if not name.startswith("quay")])
def test_what_comes_again_has_the_same_ids(name: str) -> None:
    """Also where the sender names none, and where the time is that of arrival."""
    assert ids(told(name)) == ids(told(name))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("harbor-push", lambda document: document.update(occur_at=document["occur_at"] + 1)),
        ("harbor-push", lambda document: document.update(operator="eve")),
        ("docker-hub-push", lambda document: document["push_data"].update(tag="other")),
        ("docker-hub-push", lambda document: document["push_data"].update(pushed_at=1772360436)),
        ("gitea-created", lambda document: document["package"].update(id=99)),
        ("gitea-created", lambda document: document.update(action="deleted")),
        ("ghcr-registry-package-published", lambda d: d["registry_package"]["package_version"].update(id=1)),
        ("harbor-cloudevents-pull", lambda document: document.update(id="other")),
        ("harbor-cloudevents-pull", lambda document: document.update(source="/projects/3")),
    ],
)
def test_what_differs_has_other_ids(name: str, change: Callable[[Any], object]) -> None:
    """In one field is enough."""
    before, after = ids(told(name)), ids(told(name, change))
    assert len({*before, *after}) == len(before) + len(after)


def test_quay_pushes_that_look_alike_are_two() -> None:
    """It sends the very same for each push of a tag."""
    assert len({*ids(told("quay-push")), *ids(told("quay-push"))}) == 4


def test_quay_from_a_file_cannot_be_dated() -> None:
    """Today would be wrong."""
    (reading,) = read(payload("quay-push"))
    assert isinstance(reading, Unreadable)
    assert "by POST" in reading.reason


def test_both_events_of_one_push_to_ghcr_are_one() -> None:
    """`package` and `registry_package` say the same."""
    name = "ghcr-registry-package-published"
    assert ids(told(name)) == ids(
        told(name, lambda document: document.update(package=document.pop("registry_package")))
    )


@pytest.mark.parametrize("whole", ["harbor-cloudevents-pull", "zot-structured", "registryhub-cloudevents"])
def test_a_cloud_event_says_the_same_in_all_three_modes(whole: str) -> None:
    """Structured, in a batch, and with its attributes in headers."""
    document = json.loads(payload(whole))
    structured = parts(json.dumps(document).encode(), {"Content-Type": "application/cloudevents+json"})
    batch = parts(json.dumps([document]).encode(), {"Content-Type": "application/cloudevents-batch+json"})
    assert ids(batch) == ids(structured)
    data = json.dumps(document.pop("data")).encode()
    binary = parts(
        data, {f"ce-{name}": value for name, value in document.items()} | {"Content-Type": "application/json"}
    )
    assert [part.event for part in binary if isinstance(part, ReadEvent)] == [
        part.event for part in structured if isinstance(part, ReadEvent)
    ]
    packed = orjson.dumps({**document, "data_base64": "e30="})
    assert all(isinstance(part, Unreadable) for part in parts(packed, {}))


def test_attributes_in_headers_are_decoded() -> None:
    """Per cent, as the HTTP binding of CloudEvents has it."""
    headers = expected("zot-deleted")["headers"] | {"ce-source": "Euro%20%E2%82%AC"}
    assert ids(parts(payload("zot-deleted"), headers)) == ["Euro € 0b8ac8a5-7a0c-4c7e-a3d0-3f1fb8f1f002"]


def test_data_that_are_not_json_are_told_so() -> None:
    """In binary mode; and what is no JSON by its type is kept packed, and understood by nobody."""
    head = expected("zot-deleted")["headers"]
    with pytest.raises(OciError, match="not JSON"):
        parts(b'{"name": ', head)
    with pytest.raises(OciError, match="not JSON"):
        parts(b'{}, "id": "forged"', head)
    (part,) = parts(b"<xml/>", head | {"Content-Type": "text/xml"})
    assert isinstance(part, Unreadable)


def test_a_bad_artifact_holds_up_no_good_one() -> None:
    """It goes to quarantine by itself."""

    def spoil(document: Any) -> None:
        document["event_data"]["resources"].insert(1, {"tag": "a\0b", "digest": "x"})
        document["event_data"]["resources"].append({"tag": ["v1"]})

    found = told("harbor-push", spoil)
    assert [type(part) for part in found] == [ReadEvent, Unreadable, ReadEvent, Unreadable]
    assert isinstance(found[1], Unreadable)
    assert "NUL" in found[1].reason
    assert len(found[1].raw) < 500


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("harbor-push", lambda d: d["event_data"].pop("resources"), "resources"),
        ("harbor-push", lambda d: d.update(occur_at="yesterday"), "timestamp"),
        ("harbor-push", lambda d: d.update(occur_at=1e300), "timestamp"),
        ("harbor-push", lambda d: d.update(occur_at=True), "timestamp"),
        ("harbor-cloudevents-pull", lambda d: d.pop("id"), "id: missing"),
        ("ecr-push", lambda d: d["detail"].update({"action-type": "TELEPORT"}), "TELEPORT"),
        ("ecr-push", lambda d: d.update(source="aws.s3"), "aws.ecr"),
        ("quay-push", lambda d: d.update(updated_tags="latest"), "updated_tags"),
        ("docker-hub-push", lambda d: d.update(push_data=7), "timestamp"),
        ("ghcr-registry-package-published", lambda d: d.update(action="eaten"), "eaten"),
        ("gitea-created", lambda d: d.update(action="eaten"), "eaten"),
        ("acr-event-grid", lambda d: d[0].update(eventType="Microsoft.Storage.BlobCreated"), "BlobCreated"),
        ("cloudevents-any", lambda d: d.update(data={"hello": "world"}), r"com\.acme\.registry\.push"),
        ("registryhub-cloudevents", lambda d: d.update(data=[]), "data"),
    ],
)
def test_what_cannot_be_read_is_kept_as_it_came_with_the_reason(
    name: str, change: Callable[[Any], object], reason: str
) -> None:
    """So that it can be tried again."""
    part = told(name, change)[0]
    assert isinstance(part, Unreadable)
    assert re.search(reason, part.reason)


def test_a_body_that_nobody_knows_is_refused_with_the_names_of_those_who_are_known() -> None:
    """An envelope of somebody else's."""
    with pytest.raises(InvalidEnvelope, match=r"Harbor.*Docker Hub.*Distribution"):
        parts(b'{"hello": "world"}', {})


def test_large_originals_are_left_out() -> None:
    """A payload of many artifacts is not kept once for each."""

    def swell(document: Any) -> None:
        document["event_data"]["resources"] *= 500

    for part in told("harbor-push", swell):
        assert isinstance(part, ReadEvent)
        assert json.loads(part.raw)["original"] == {"format": "Harbor"}
        assert len(part.raw) < 1000


@pytest.mark.parametrize("depth", [*range(248, 258), 600])
@pytest.mark.parametrize("name", ["harbor-pull", "quay-push", "gitea-deleted"])
def test_however_deep_it_is_nested_nothing_is_raised(name: str, depth: int) -> None:
    """What is written around a payload makes it deeper than what could be read."""

    def dig(document: Any) -> None:
        document["deep"] = json.loads("[" * depth + "]" * depth)

    assert told(name, dig)


def test_what_is_packed_may_be_nested_as_deep_as_it_likes() -> None:
    """It is quarantined."""
    deep = b'{"action": "push", "target": {}, "deep": ' + b"[" * 900 + b"]" * 900 + b"}"
    event = {"specversion": "1.0", "type": "x", "id": "1", "data_base64": base64.b64encode(deep).decode()}
    (part,) = parts(json.dumps(event).encode(), {})
    assert isinstance(part, Unreadable)


def test_many_artifacts_in_one_payload_take_no_longer_than_they_are() -> None:
    """Nothing is done with the whole for each of them."""
    resources = [{"tag": f"v{number}", "digest": "sha256:a"} for number in range(5000)]
    found = told("harbor-push", lambda document: document["event_data"].update(resources=resources))
    assert len(set(ids(found))) == 5000


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mutated(draw: st.DrawFn) -> tuple[bytes, dict[str, str]]:
    """A sample in which something has been replaced or left out, and perhaps bytes were changed."""
    name = draw(st.sampled_from(NAMES))
    document = {"": json.loads(payload(name))}
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(list(_places(document))))
        if key and draw(st.booleans()) and isinstance(holder, dict):
            holder.pop(key, None)
        else:
            holder[key] = draw(anything)
    body = json.dumps(document[""], ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if body and draw(st.booleans()):
        at = draw(st.integers(0, len(body) - 1))
        body = body[:at] + draw(st.binary(max_size=3)) + body[at + 1 :]
    headers: dict[str, str] = expected(name)["headers"]
    return body, headers


def _places(value: Any) -> Any:
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


@settings(max_examples=150, deadline=None)
@given(mutated())
def test_whatever_is_wrong_with_a_payload_is_refused_or_quarantined(request_: tuple[bytes, dict[str, str]]) -> None:
    """Nothing is raised but what is answered 400; what is stored is read the same each time, and can be stored."""
    body, headers = request_
    try:
        raw = stored(body, headers)
        first = parts(body, headers)
    except (InvalidEnvelope, OciError):
        return
    assert read(raw) == read(raw)
    assert len(read(raw)) == len([part for part in first if not isinstance(part, Ignored)])
    for part in read(raw):
        if isinstance(part, ReadEvent):
            assert events.parse(part.raw) == part.event
            assert b"\n" not in part.raw

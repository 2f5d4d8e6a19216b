"""The wire shape: byte for byte what Distribution sends."""

import json
import os
import time
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import RFC_4122, UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.events import (
    Event,
    InvalidEvent,
    Reference,
    as_pull,
    document,
    encode,
    new_id,
    parse,
    render_envelope,
)

FOLDER = Path(__file__).parent / "golden"
GOLDEN = sorted(FOLDER.glob("docker-registry-*.json"))

PUSH = Event(
    id="01a20b6e-4411-733a-9be2-99871c36940e",
    timestamp=datetime(2026, 11, 24, 2, 41, 45, 489212, UTC),
    action="push",
    repository="lib/img",
    tag="1.0",
    digest="sha256:" + "a" * 64,
    media_type="application/vnd.oci.image.manifest.v1+json",
    size=442,
    url="http://hub.example.org/v2/lib/img/manifests/sha256:" + "a" * 64,
    references=(Reference("application/vnd.oci.image.config.v1+json", "sha256:" + "b" * 64, 37),),
    request_id="01a20b6e-4411-733a-9be2-000000000000",
    address="192.0.2.7:55574",
    host="hub.example.org",
    method="PUT",
    user_agent="docker/27.0 <a&b>",
    actor="alice",
    source_address="node:5000",
    instance_id="01a20b6e-0000-733a-9be2-000000000000",
)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_what_docker_registry_sent_is_rendered_byte_for_byte(path: Path) -> None:
    """Envelopes captured from docker-registry survive decoding and rendering without one changed byte."""
    sent = path.read_bytes()
    assert render_envelope(orjson.loads(sent)["events"]) == sent


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_what_docker_registry_sent_can_be_read(path: Path) -> None:
    """Every captured event parses, and its identity and target arrive."""
    for sent in orjson.loads(path.read_bytes())["events"]:
        event = parse(orjson.dumps(sent))
        assert (event.id, event.action, event.repository) == (sent["id"], sent["action"], sent["target"]["repository"])
        assert event.digest == sent["target"]["digest"]


def test_a_push_has_the_fields_of_the_reference_in_its_order() -> None:
    """The envelope of a manifest push with references, as a whole."""
    assert render_envelope([document(PUSH)]) == (FOLDER / "registryhub-push.json").read_bytes()


def test_a_delete_keeps_its_empty_fields() -> None:
    """Deletes say mediaType, digest and size even when they are empty, and have neither length nor url."""
    deleted = document(Event(id="1", timestamp=PUSH.timestamp, action="delete", repository="lib/img", tag="1.0"))
    assert deleted["target"] == {"mediaType": "", "digest": "", "size": 0, "repository": "lib/img", "tag": "1.0"}
    assert deleted["actor"] == {}


def test_several_events_share_an_envelope() -> None:
    """The format allows many events in one envelope."""
    body = render_envelope([document(PUSH), document(PUSH)])
    assert [event["id"] for event in orjson.loads(body)["events"]] == [PUSH.id, PUSH.id]


def test_line_separators_are_escaped_as_go_does() -> None:
    """U+2028 and U+2029 are escaped, other characters beyond ASCII stay as they are."""
    body = render_envelope([{"text": "a\u2028b\u2029c é"}])
    assert b'"a\\u2028b\\u2029c \xc3\xa9"' in body


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=30,
)


@given(st.lists(st.dictionaries(TEXT, JSON, max_size=4), max_size=3))
def test_rendering_changes_form_only(documents: list[dict[str, object]]) -> None:
    """Whatever the documents hold, at any depth: the standard library's encoder says the same, byte for byte."""
    expected = json.dumps({"events": documents}, indent=3, ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        expected = expected.replace(character, f"\\u{ord(character):04x}")
    assert render_envelope(documents) == expected.encode()


def test_a_check_can_be_sent_as_a_pull() -> None:
    """It becomes a pull with method HEAD; its id and everything else stay."""
    checked = document(Event(id="7", timestamp=PUSH.timestamp, action="check", repository="lib/img", method="GET"))
    pulled = as_pull(checked)
    assert (pulled["action"], pulled["request"]["method"], pulled["id"]) == ("pull", "HEAD", "7")
    assert list(pulled) == list(checked)
    assert checked["action"] == "check"
    assert checked["request"]["method"] == "GET"


def test_an_event_survives_the_wire() -> None:
    """Encoding and parsing give the same event."""
    assert parse(encode(PUSH)) == PUSH
    assert b"\n" not in encode(PUSH)


def test_timestamps_are_sent_in_utc() -> None:
    """Whatever zone the moment was read in."""
    local = Event(
        id="1", timestamp=datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))), action="pull", repository="a"
    )
    assert document(local)["timestamp"] == "2025-12-31T23:00:00.000000Z"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"action": "explode"}, "action"),
        ({"action": ["push"]}, "action"),
        ({"id": ""}, "id"),
        ({"id": "x" * 129}, "id"),
        ({"timestamp": "yesterday"}, "timestamp"),
        ({"target": []}, "target"),
        ({"target": {"repository": ""}}, "repository"),
        ({"target": {"repository": "a", "size": -1}}, "size"),
        ({"target": {"repository": "a", "size": 2**63}}, "size"),
        ({"target": {"repository": "a\0b"}}, "repository"),
        ({"actor": {"name": 7}}, "name"),
    ],
)
def test_what_is_no_event_is_refused_by_field(change: dict[str, object], complaint: str) -> None:
    """The error names the field that is wrong."""
    with pytest.raises(InvalidEvent, match=complaint):
        parse(orjson.dumps(document(PUSH) | change))


def test_ids_sort_by_time_and_are_uuids_of_version_7() -> None:
    """RFC 9562: the version and variant bits are set, and a later id is not smaller in its first 48 bits."""
    first, second = new_id(), new_id()
    assert first != second
    assert first[14] == "7"
    assert first[19] in "89ab"
    assert first[:13] <= second[:13]


def test_ids_are_of_the_moment_they_are_made_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their first 48 bits are its milliseconds; a clock that is set back is followed."""
    for milliseconds in (1_796_000_000_123, 1_796_000_000_124, 5, 1_796_000_000_123):
        monkeypatch.setattr(time, "time_ns", lambda moment=milliseconds: moment * 1_000_000 + 999_999)
        made = {new_id() for _ in range(400)}
        assert len(made) == 400
        assert {UUID(text).int >> 80 for text in made} == {milliseconds}
        assert {(UUID(text).version, UUID(text).variant) for text in made} == {(7, RFC_4122)}


def test_a_forked_process_makes_ids_of_its_own() -> None:
    """Random numbers that were fetched before the fork are not used twice."""
    new_id()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, "".join(new_id()[19:] for _ in range(300)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as file:
        text = file.read()
    theirs = {text[start : start + 17] for start in range(0, len(text), 17)}
    assert len(theirs) == 300
    assert theirs.isdisjoint({new_id()[19:] for _ in range(300)})

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.log.readers import ReadEvent, Unreadable
from notifications.receiver.adapters.reader import read, readings
from notifications.receiver.adapters.split import InvalidEnvelope, split
from tests.notifications.receiver.posting import envelope, event

GOOD = json.dumps(event("good")).encode()


def ids(raw: bytes) -> list[str]:
    return [reading.event.id if isinstance(reading, ReadEvent) else "-" for reading in read(raw)]


def around(bad: bytes) -> bytes:
    """An envelope with a good event on both sides."""
    return b'{"events": [' + GOOD + b", " + bad + b", " + GOOD.replace(b'"good"', b'"last"') + b"]}"


@pytest.mark.parametrize("body", [envelope(event("a"), event("b")), [event("a"), event("b")]])
def test_an_envelope_and_a_bare_list_are_read_in_order(body: object) -> None:
    """Both shapes hold the same events."""
    assert ids(json.dumps(body).encode()) == ["a", "b"]


def test_one_event_alone_is_an_envelope_too() -> None:
    """What simple senders post."""
    assert ids(GOOD) == ["good"]


@pytest.mark.parametrize("body", [b'{"events": []}', b'{"events": null}', b"[]", b'{"events":null,"more":1}'])
def test_empty_envelopes_hold_nothing(body: bytes) -> None:
    """Go writes an empty list as null."""
    assert list(readings(body, is_strict=True)) == []


@pytest.mark.parametrize("body", [b"", b"7", b'"text"', b"null", b"{}", b'{"events": 5}', b'{"events": [', b"\xff"])
def test_what_is_no_envelope_is_one_unreadable_part(body: bytes) -> None:
    """The sequencer must never stumble over a row, and the row must not vanish."""
    (reading,) = read(body)
    assert isinstance(reading, Unreadable)
    assert reading.raw == body
    with pytest.raises(InvalidEnvelope):
        list(readings(body, is_strict=True))


def test_an_event_keeps_what_the_sender_wrote() -> None:
    """Fields we do not know are kept in the raw event; the order of keys too."""
    (reading,) = read(json.dumps(envelope(event(x_custom={"b": 1, "a": [1.5, None]}))).encode())
    assert isinstance(reading, ReadEvent)
    assert json.loads(reading.raw)["x_custom"] == {"b": 1, "a": [1.5, None]}
    assert b"\n" not in reading.raw
    assert reading.event.address == "[2001:db8::1]:55574"
    assert reading.event.timestamp.isoformat() == "2026-11-24T02:41:45.489212+00:00"


def test_an_event_without_an_actor_is_an_event() -> None:
    """Anonymous pulls carry `"actor": {}` or none; some receivers dropped them."""
    bare = event()
    del bare["actor"]
    assert ids(json.dumps([event("a", actor={}), bare | {"id": "b"}, event("c", actor={"name": "eve"})]).encode()) == [
        "a",
        "b",
        "c",
    ]


@pytest.mark.parametrize(
    "bad",
    [
        b"5",
        b"null",
        b"[]",
        b'{"id": "x"}',
        json.dumps(event(action="steal")).encode(),
        json.dumps(event(action=["pull"])).encode(),
        json.dumps(event(timestamp="yesterday")).encode(),
        json.dumps(event(timestamp=None)).encode(),
        json.dumps(event(target="x")).encode(),
        json.dumps(event(target={"repository": "a" * 256})).encode(),
        json.dumps(event(target={"repository": "a\x00b"})).encode(),
        json.dumps(event(target={"repository": "a", "size": -1})).encode(),
        GOOD.replace(b"442", b"123456789012345678901234567890"),
        GOOD.replace(b"442", b"1e400"),
        GOOD.replace(b"442", b"9" * 5000),
        GOOD.replace(b"lib/img", b"\\ud800"),
        GOOD.replace(b"lib/img", b"\xe9t\xe9"),
        GOOD.replace(b"{}", b"[" * 300 + b"]" * 300),
        GOOD.replace(b"{}", b"[" * 100_000 + b"]" * 100_000),
        GOOD.replace(b"{}", b'{"a":' * 5000 + b"1" + b"}" * 5000),
    ],
    ids=lambda bad: bad[:20].decode("latin-1") + str(len(bad)),
)
def test_a_bad_event_holds_up_no_good_one(bad: bytes) -> None:
    """The registry would send the whole envelope for ever; the reason is kept and short."""
    body = around(bad)
    assert ids(body) == ["good", "-", "last"]
    assert [type(reading) for reading in readings(body, is_strict=True)] == [ReadEvent, Unreadable, ReadEvent]
    unreadable = read(body)[1]
    assert isinstance(unreadable, Unreadable)
    assert 0 < len(unreadable.reason) <= 500
    assert unreadable.raw


@pytest.mark.parametrize(
    "body",
    [
        b"{'events': []}",
        around(b"{"),
        around(b"oops"),
        around(b'{"size": NaN}'),
        b'{"events": [' + GOOD + b"],}",
        b"[" + GOOD + b"] trailing",
        json.dumps(envelope(event())).encode()[:-10],
    ],
)
def test_what_is_not_json_is_refused_as_a_whole(body: bytes) -> None:
    """The sender is broken: it is told so, and nothing is kept."""
    with pytest.raises(InvalidEnvelope, match=r"JSON|does not end"):
        list(readings(body, is_strict=True))


def test_of_repeated_keys_the_last_one_counts() -> None:
    """On the quick way and when the envelope has to be cut into pieces."""
    twice = b'{"events": [5], "x": {"events": [1, 2, 3]}, "events": [' + GOOD + b"]}"
    assert ids(twice) == ["good"]
    assert [len(split(twice)), len(split(twice.replace(b"442", b"1e400")))] == [1, 1]


def test_brackets_and_commas_inside_text_do_not_cut() -> None:
    """Escaped quotes, braces and commas in a user agent are text."""
    tricky = event("tricky", request={"useragent": 'a",{}[]\\" \\'})
    body = around(GOOD.replace(b"442", b"1e400") + b", " + json.dumps(tricky).encode())
    assert ids(body) == ["good", "-", "tricky", "last"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(json_values, max_size=6))
def test_cutting_finds_the_same_parts_as_a_parser(values: list[object]) -> None:
    """For every JSON document."""
    for body in (values, {"a": [1], "events": values, "z": {"events": [0]}}):
        for text in (json.dumps(body), json.dumps(body, indent=1, ensure_ascii=False)):
            assert [json.loads(piece) for piece in split(text.encode("utf-8", "surrogatepass"))] == values


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(body: bytes) -> None:
    """And reading twice gives the same."""
    assert read(body) == read(body)
    assert read(b'{"events": [' + body + b"]}") is not None


def test_the_largest_envelope_is_read_whole() -> None:
    """Ten thousand events, on the quick way and when they have to be cut apart."""
    quick = json.dumps(envelope(*(event(f"id-{number}") for number in range(10_000)))).encode()
    assert len(set(ids(quick))) == 10_000
    assert len(set(ids(quick.replace(b"442", b"1e400", 1)))) == 10_000

"""The receiver behind the real web server, in a hub of its own: what only real sockets show."""

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from tests.notifications.receiver.adapters.samples import expected, payload
from tests.notifications.receiver.posting import TIME, envelope, event
from tests.servers.databases import Databases
from tests.servers.hub import Hub
from tests.servers.run import new_folder


@pytest.fixture(scope="module")
def hub(new_databases: Callable[[], Databases]) -> Iterator[Hub]:
    with Hub(new_folder("receiver"), new_databases()) as hub:
        yield hub


def pulls(hub: Hub, source: str) -> int:
    hub.wait_until_drained()
    found: int = hub.repository("lib/img", source)["pulls"]
    return found


@pytest.mark.parametrize("path", ["/api/v1/events", "/api/v1/events/"])
def test_a_chunked_envelope_of_ten_thousand_events_is_counted(hub: Hub, path: str) -> None:
    """Django would see an empty body; and sent twice it counts once."""
    source = f"chunked-{len(path)}"
    token = hub.create_source(source)
    body = json.dumps(envelope(*(event(f"id-{number}") for number in range(10_000)))).encode()
    for accepted, repeated in ((10_000, 0), (0, 10_000)):
        pieces = (body[start : start + 70_000] for start in range(0, len(body), 70_000))
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        with closing(http.client.HTTPConnection(hub.host, timeout=60)) as connection:
            connection.request("POST", path, pieces, headers, encode_chunked=True)
            answer = connection.getresponse()
            assert answer.status == 202
            assert json.loads(answer.read()) == {"accepted": accepted, "duplicates": repeated, "quarantined": 0}
        assert pulls(hub, source) == 10_000
    asked = {"repository": "lib/img", "tag": "latest", "source": source, "start": TIME[:10], "end": TIME[:10]}
    stats = hub.get("/api/v1/stats", **asked)
    assert stats["totals"]["pulls"] == 10_000


@pytest.mark.parametrize("framing", ["Content-Length: {length}", "Transfer-Encoding: chunked"])
def test_a_sender_that_hangs_up_leaves_nothing_behind(hub: Hub, framing: str) -> None:
    """Neither a row nor an event, and the next envelope is taken."""
    source = f"cut-{len(framing)}"
    token = hub.create_source(source)
    body = json.dumps(envelope(event("whole"))).encode()
    head = f"POST /api/v1/events HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {token}\r\n{framing}\r\n\r\n"
    first = body[:-5] if "chunked" not in framing else b"%x\r\n" % len(body) + body[:-5]
    with socket.create_connection(("127.0.0.1", hub.port), timeout=10) as connection:
        connection.sendall(head.format(length=len(body)).encode() + first)
    assert pulls(hub, source) == 0
    assert hub.get("/api/v1/quarantine", source=source)["results"] == []
    with hub.wire(Authorization=f"Bearer {token}") as wire:
        assert wire.request("POST", "/api/v1/events", body=body).status == 202
    assert pulls(hub, source) == 1


def test_a_bad_event_is_set_aside_with_the_reason_and_the_good_ones_count(hub: Hub) -> None:
    """A lone surrogate, a number no database holds and a NUL in one envelope with good events."""
    token = hub.create_source("mixed")
    bad = [event("surrogate"), event("number"), event("nul", target={"repository": "a\x00b"})]
    body = json.dumps(envelope(event("first"), *bad, event("last"))).encode()
    body = body.replace(b'"surrogate"', b'"\\ud800"').replace(b'"number"', b'"number", "x": 1e999')
    with hub.wire(Authorization=f"Bearer {token}") as wire:
        reply = wire.request("POST", "/api/v1/events", body=body)
    assert reply.json() == {"accepted": 2, "duplicates": 0, "quarantined": 3}
    assert pulls(hub, "mixed") == 2
    reasons = [row["reason"] for row in hub.get("/api/v1/quarantine", source="mixed")["results"]]
    assert len(reasons) == 3
    assert all(reasons)


@pytest.mark.parametrize("size", [3 << 20, 65 << 20])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_sender_that_is_refused_hears_why(hub: Hub, size: int, is_chunked: bool) -> None:
    """Though it reads no answer before all is sent; the connection can be used again."""
    token = hub.create_source(f"refused-{size}-{is_chunked}")
    with closing(http.client.HTTPConnection(hub.host, timeout=60)) as connection:
        for secret in (token, "wrong"):
            pieces = (b" " * (1 << 20) for _ in range(size >> 20))
            headers = {"Authorization": f"Bearer {secret}"} | ({} if is_chunked else {"Content-Length": str(size)})
            connection.request("POST", "/api/v1/events", pieces, headers, encode_chunked=is_chunked)
            answer = connection.getresponse()
            expected = 401 if secret == "wrong" else 413 if size > 64 << 20 else 400
            assert (answer.status, "errors" in json.loads(answer.read())) == (expected, True)


def test_the_receiver_takes_posts_and_the_log_is_read_at_the_same_path(hub: Hub) -> None:
    """Neither is redirected to the other spelling."""
    with hub.wire() as wire:
        for path in ("/api/v1/events", "/api/v1/events/"):
            reply = wire.request("POST", path, body=b"{}")
            assert (reply.status, reply.json()["errors"][0]["code"]) == (401, "UNAUTHORIZED")
    assert "events" in hub.get("/api/v1/events")


def test_a_cloud_event_with_its_attributes_in_headers_is_counted(hub: Hub) -> None:
    """As zot sends them: the server hands headers on that are not its own."""
    headers = dict(expected("zot-updated")["headers"], Authorization=f"Bearer {hub.create_source('zot')}")
    with hub.wire() as wire:
        reply = wire.request("POST", "/api/v1/events", headers=headers, body=payload("zot-updated"))
    assert (reply.status, reply.json()) == (202, {"accepted": 1, "duplicates": 0, "quarantined": 0})
    hub.wait_until_drained()
    assert hub.repository("space/my-image", "zot")["pushes"] == 1

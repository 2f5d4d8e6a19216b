"""The receiver answers as told and remembers exactly what came."""

import http.client
import json
import socket
import time

import pytest

from tests.servers.run import new_folder
from tests.servers.scripted import Answer, redirect
from tests.servers.webhook_counter import WebhookCounter
from tests.servers.webhook_receiver import WebhookReceiver

ENVELOPE = json.dumps({"events": [{"id": "1", "action": "push"}, {"id": "2", "action": "pull"}]}).encode()


def post(port: int, body: bytes = ENVELOPE, path: str = "/hook", timeout: float = 5.0) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST", path, body, {"X-Kind": "test"})
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()


def test_answers_come_in_order_and_then_the_default() -> None:
    """Queued answers are used up one a request."""
    with WebhookReceiver(answers=[500, redirect("/elsewhere"), 204]) as receiver:
        assert [post(receiver.port).status for _ in range(5)] == [500, 302, 204, 200, 200]
        assert [request.answered for request in receiver.requests] == [500, 302, 204, 200, 200]


def test_requests_are_remembered_raw() -> None:
    """Method, path, headers and body, and the events of those that were accepted."""
    with WebhookReceiver(answers=[503]) as receiver:
        post(receiver.port)
        assert receiver.events() == []
        post(receiver.port, path="/b")
        request = receiver.wait_for(2)[1]
        assert (request.method, request.path, request.headers["x-kind"], request.body) == (
            "POST",
            "/b",
            "test",
            ENVELOPE,
        )
        assert [event["id"] for event in receiver.events("/b")] == ["1", "2"]


def test_a_path_may_answer_differently() -> None:
    """One slow or broken endpoint beside a sound one."""
    with WebhookReceiver() as receiver:
        receiver.answer_with(500, path="/broken")
        assert (post(receiver.port, path="/broken").status, post(receiver.port, path="/sound").status) == (500, 200)


def test_silence_and_torn_connections() -> None:
    """`hang` never answers, `reset` tears the connection, and the rest goes on."""
    with WebhookReceiver(answers=[Answer(hang=True), Answer(reset=True)]) as receiver:
        with pytest.raises(TimeoutError):
            post(receiver.port, timeout=0.3)
        with pytest.raises(ConnectionError):
            post(receiver.port)
        assert post(receiver.port).status == 200


def test_a_late_answer() -> None:
    """`delay_seconds` holds one answer back without holding up others."""
    with WebhookReceiver(answers=[Answer(202, delay_seconds=0.3)]) as receiver:
        begun = time.monotonic()
        assert post(receiver.port).status == 202
        assert time.monotonic() - begun >= 0.3


def test_chunked_bodies_and_pipelining() -> None:
    """Bodies without a length, and a second request before the first answer."""
    first = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"
    second = b"POST /b HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi"
    with WebhookReceiver() as receiver, socket.create_connection(("127.0.0.1", receiver.port)) as connection:
        for byte in first + second:
            connection.sendall(bytes([byte]))
        assert [request.body for request in receiver.wait_for(2)] == [b"abcdefg", b"hi"]


def test_it_comes_back_on_its_port() -> None:
    """Stopped it refuses connections; started again it goes on with its memory."""
    with WebhookReceiver() as receiver:
        post(receiver.port)
        receiver.stop()
        with pytest.raises(ConnectionRefusedError):
            post(receiver.port)
        receiver.start()
        post(receiver.port)
        assert len(receiver.requests) == 2


def test_the_counting_twin() -> None:
    """It counts events, not requests, and tells refused ones from accepted ones."""
    with WebhookCounter(new_folder("counter")) as counter:
        counter.answer_with(503)
        assert post(counter.port).status == 503
        assert counter.counts().refused_events == 2
        counter.answer_with(200)
        assert post(counter.port).status == 200
        counts = counter.counts()
        assert (counts.requests, counts.accepted_events, counts.refused_events) == (1, 2, 0)
        assert counts.last_accepted_at == pytest.approx(time.time(), abs=60)

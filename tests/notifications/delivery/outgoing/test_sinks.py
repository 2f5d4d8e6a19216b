"""The HTTP sink against servers that behave, and servers that do not."""

import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from notifications.delivery.outgoing.sinks import HttpSink, Outcome
from tests.notifications.delivery.raw_server import OK, Play, RawServer, answer, drip, hang, read_request, reset
from tests.servers.ports import free_port
from tests.servers.scripted import Answer, redirect
from tests.servers.webhook_receiver import WebhookReceiver

BODY = b'{\n   "events": []\n}'


def sink_to(
    url: str,
    headers: Mapping[str, Sequence[str]] | None = None,
    *,
    timeout_seconds: float = 5.0,
    environment: Mapping[str, str] | None = None,
) -> HttpSink:
    return HttpSink(
        url=url,
        headers=headers or {},
        timeout_seconds=timeout_seconds,
        user_agent="RegistryHub/1",
        environment=environment or {},
    )


def post_once(
    url: str,
    headers: Mapping[str, Sequence[str]] | None = None,
    *,
    timeout_seconds: float = 5.0,
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    with closing(sink_to(url, headers, timeout_seconds=timeout_seconds, environment=environment)) as sink:
        return sink.post(BODY)


def post_to(*plays: Play, count: int = 1, timeout_seconds: float = 5.0) -> tuple[list[Outcome], int]:
    """What comes of so many posts to a raw server, and over how many connections."""
    with RawServer(*plays) as server, closing(sink_to(server.url, timeout_seconds=timeout_seconds)) as sink:
        outcomes = [sink.post(BODY) for _ in range(count)]
    return outcomes, server.connections


def test_an_envelope_is_posted_with_the_headers_of_the_wire() -> None:
    """Method, path, media type, user agent, length, body; and no header that asks for a packed answer."""
    with WebhookReceiver() as receiver:
        outcome = post_once(receiver.url + "?a=b")
    [request] = receiver.requests
    assert outcome.is_success
    assert outcome.status == 200
    assert (request.method, request.path, request.body) == ("POST", "/hook?a=b", BODY)
    assert request.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": "RegistryHub/1",
        "content-type": "application/vnd.docker.distribution.events.v2+json",
        "content-length": str(len(BODY)),
    }


def test_configured_headers_are_sent_as_spelled_and_replace_the_own_ones() -> None:
    """Several values become several lines; Content-Type and User-Agent are replaced, not doubled."""
    requests = []

    def play(connection: socket.socket) -> None:
        requests.append(read_request(connection))
        connection.sendall(OK)

    headers = {"X-oDD": ["1", "2"], "content-type": ["text/plain"], "USER-AGENT": ["me"], "Authorization": ["Bearer x"]}
    with RawServer(play) as server:
        post_once(server.url.replace("//", "//user:password@"), headers)
    lines = requests[0].partition(b"\r\n\r\n")[0].split(b"\r\n")[2:]
    assert lines == [
        *(b"X-oDD: 1", b"X-oDD: 2", b"content-type: text/plain", b"USER-AGENT: me", b"Authorization: Bearer x"),
        b"Content-Length: %d" % len(BODY),
    ]


def test_one_connection_carries_many_requests() -> None:
    """Kept alive, also over chunked answers."""
    chunked = b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    for reply in (OK, chunked):
        outcomes, connections = post_to(answer(reply), count=20)
        assert all(outcome.is_success for outcome in outcomes)
        assert connections == 1


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_a_success(status: int) -> None:
    """Nothing else is."""
    [outcome], _ = post_to(answer(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status))
    assert outcome.is_success
    assert outcome.status == status


@pytest.mark.parametrize("status", [304, 400, 401, 404, 410, 429, 500, 503, 599])
def test_every_other_status_is_a_failure(status: int) -> None:
    """It is kept with the first bytes of what was said."""
    said = b"" if status == 304 else b"no thanks"
    [outcome], _ = post_to(answer(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(said), said)))
    assert not outcome.is_success
    assert (outcome.status, outcome.answer) == (status, said)
    assert outcome.error.startswith(f"answered {status}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_never_followed(status: int) -> None:
    """A POST that is followed becomes a GET somewhere else, and the event is lost."""
    with WebhookReceiver() as other, WebhookReceiver(default=redirect(other.url, status)) as receiver:
        outcome = post_once(receiver.url)
    assert not outcome.is_success
    assert "redirects are not followed" in outcome.error
    assert other.requests == []


def test_a_connection_that_died_while_idle_costs_no_failure() -> None:
    """The server closed it after the first answer: the next request goes over a new one."""
    outcomes, connections = post_to(answer(OK, requests=1), count=3)
    assert [outcome.status for outcome in outcomes] == [200, 200, 200]
    assert connections == 3


def test_a_connection_that_is_reset_under_a_request_is_redialled_once() -> None:
    """Reused and torn before any answer: as if it had died while idle. A new connection that is torn is a failure."""

    def serve_then_reset(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(OK)
        reset(connection)

    outcomes, connections = post_to(serve_then_reset, answer(OK), count=2)
    assert [outcome.status for outcome in outcomes] == [200, 200]
    assert connections == 2
    outcomes, connections = post_to(serve_then_reset, reset, answer(OK), count=3)
    assert [outcome.status for outcome in outcomes] == [200, None, 200]
    assert connections == 3


def test_what_a_server_says_on_an_idle_connection_is_no_answer() -> None:
    """A 408 that came before the request was sent does not count; the connection is replaced."""
    said = threading.Event()

    def play(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(OK)
        connection.sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        said.set()
        hang(connection)

    with RawServer(play, answer(OK)) as server:
        sink = sink_to(server.url)
        assert sink.post(BODY).status == 200
        said.wait(5)
        assert sink.post(BODY).status == 200
        sink.close()
    assert server.connections == 2


def test_a_receiver_that_hangs_fails_at_the_timeout() -> None:
    """The text says how long was waited."""
    started = time.monotonic()
    [outcome], _ = post_to(hang, timeout_seconds=0.2)
    assert outcome[:4] == (outcome.duration_seconds, None, "no answer within 0.2 s", b"")
    assert 0.1 < time.monotonic() - started < 4.0


def test_a_receiver_that_never_accepts_fails_at_the_timeout() -> None:
    """Connecting counts into the timeout too."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        outcome = post_once(url, timeout_seconds=0.2)
        for filler in fillers:
            filler.close()
    assert outcome.error == "no answer within 0.2 s"


def test_an_answer_that_drips_fails_at_the_timeout() -> None:
    """The timeout is for the whole exchange, not for each byte."""
    pause = threading.Event()
    started = time.monotonic()
    [outcome], _ = post_to(drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2000, pause), timeout_seconds=0.3)
    pause.set()
    assert outcome.error == "no answer within 0.3 s"
    assert time.monotonic() - started < 5.0


def test_a_body_that_drips_after_a_2xx_costs_the_timeout_and_the_connection() -> None:
    """The receiver has said that it took the event."""
    pause = threading.Event()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n"

    def play(connection: socket.socket) -> None:
        connection.sendall(head)
        drip(b"x" * 2000, pause)(connection)

    outcomes, connections = post_to(play, timeout_seconds=0.3)
    pause.set()
    assert outcomes[0].is_success
    assert connections == 1


def test_half_a_body_after_a_2xx_is_a_success_over_a_used_up_connection() -> None:
    """The status decides; the next event takes a new connection."""
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    outcomes, connections = post_to(answer(half, requests=1), count=2)
    assert [outcome.status for outcome in outcomes] == [200, 200]
    assert connections == 2


def test_half_a_head_is_a_failure() -> None:
    """There was no status to go by."""
    [outcome], _ = post_to(answer(b"HTTP/1.1 200 OK\r\nContent-", requests=1))
    assert (outcome.status, outcome.error) == (None, "the connection ended within the head of the answer")


def test_an_endless_answer_neither_hangs_nor_fills_the_memory() -> None:
    """Its first bytes are kept, the connection is closed."""

    def play(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 500 No\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    outcomes, connections = post_to(play, count=2)
    assert [(outcome.status, len(outcome.answer)) for outcome in outcomes] == [(500, 8192)] * 2
    assert connections == 2


def test_a_torn_connection_is_a_failure() -> None:
    """So is a closed one, and one that speaks something else."""
    assert post_to(reset)[0][0].error == "Connection reset by peer"
    assert post_to(lambda connection: None)[0][0].status is None
    assert post_to(answer(b"220 mail.example ESMTP\r\n\r\n"))[0][0].error == "what came is no HTTP/1 answer"


def test_nobody_listening_is_a_failure() -> None:
    """And so is a host that does not exist."""
    assert post_once(f"http://127.0.0.1:{free_port()}/").error == "Connection refused"
    assert "not found" in post_once("http://no-such-host.invalid/").error


def test_an_unusable_url_fails_each_attempt_with_the_reason() -> None:
    """It does not stop the sender from being built."""
    sink = sink_to("http://hooks.example/", environment={"HTTP_PROXY": "socks5://proxy.example"})
    outcomes = [sink.post(BODY), sink.post(BODY)]
    sink.close()
    assert all("HTTP_PROXY" in outcome.error for outcome in outcomes)


def test_an_answer_that_repeats_our_secrets_is_masked() -> None:
    """Header values and the password of the URL do not get into the attempts."""
    echo = Answer(500, body=b"you sent Bearer s3cret, s3cret, 1 and dTpwdw==")
    with WebhookReceiver(default=echo) as receiver:
        url = receiver.url.replace("//", "//u:pw@")
        outcome = post_once(url, {"X-Token": ["Bearer s3cret"], "X-Flag": ["1"]})
    assert outcome.answer == b"you sent ***, ***, 1 and ***"


def test_a_proxy_gets_plain_requests_whole() -> None:
    """The host does not even have to exist."""
    with WebhookReceiver() as proxy:
        outcome = post_once("http://hooks.invalid/x", environment={"HTTP_PROXY": f"127.0.0.1:{proxy.port}"})
    assert outcome.is_success
    assert proxy.requests[0].path == "http://hooks.invalid/x"
    assert proxy.requests[0].headers["host"] == "hooks.invalid"


CERTIFICATE = Path(__file__).parent / "certificate.pem"
"""A certificate and its key, of the tests alone: for hooks.invalid and 127.0.0.1, signed by itself."""


def tls_server() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


@pytest.fixture
def _trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system trusts the certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


@pytest.mark.usefixtures("_trusted")
def test_tls_connections_are_checked_and_kept() -> None:
    """Session tickets that come after the handshake do not look like a dead connection."""
    with RawServer(answer(OK), tls=tls_server()) as server:
        sink = sink_to(server.url)
        outcomes = [sink.post(BODY) for _ in range(5)]
        sink.close()
    assert [outcome.status for outcome in outcomes] == [200] * 5
    assert server.connections == 1


def test_a_certificate_that_the_system_does_not_trust_is_a_failure() -> None:
    """The text says why."""
    with RawServer(answer(OK), tls=tls_server()) as server:
        outcome = post_once(server.url)
    assert outcome.status is None
    assert outcome.error.startswith("TLS: self")


@pytest.mark.usefixtures("_trusted")
def test_a_certificate_for_another_host_is_a_failure() -> None:
    """Even a trusted one."""
    with RawServer(answer(OK), tls=tls_server()) as server:
        outcome = post_once(server.url.replace("127.0.0.1", "localhost"))
    assert outcome.error.startswith("TLS: Hostname mismatch")


def test_tls_to_a_server_that_speaks_plain_http_is_a_failure() -> None:
    """With a text of its own."""
    with RawServer(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        outcome = post_once(server.url.replace("http", "https", 1))
    assert outcome.status is None
    assert outcome.error


def tunnel(reply: bytes, asked: list[bytes]) -> Play:
    """A proxy whose far end is itself."""

    def play(connection: socket.socket) -> None:
        asked.append(connection.recv(65536))
        connection.sendall(reply)
        with tls_server().wrap_socket(connection, server_side=True) as inner:
            answer(OK)(inner)

    return play


@pytest.mark.usefixtures("_trusted")
def test_tls_goes_through_a_tunnel_of_the_proxy() -> None:
    """CONNECT with the proxy's credentials, then TLS with the endpoint itself."""
    asked: list[bytes] = []
    with RawServer(tunnel(b"HTTP/1.1 200 Connection established\r\n\r\n", asked)) as proxy:
        sink = sink_to("https://hooks.invalid/x", environment={"HTTPS_PROXY": f"http://u:pw@127.0.0.1:{proxy.port}"})
        outcomes = [sink.post(BODY), sink.post(BODY)]
        sink.close()
    assert [outcome.status for outcome in outcomes] == [200, 200]
    assert asked == [
        b"CONNECT hooks.invalid:443 HTTP/1.1\r\nHost: hooks.invalid:443\r\nProxy-Authorization: Basic dTpwdw==\r\n\r\n"
    ]


def test_a_proxy_that_refuses_is_a_failure() -> None:
    """The text tells the proxy's status from the endpoint's."""
    with RawServer(tunnel(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", [])) as proxy:
        outcome = post_once("https://hooks.invalid/", environment={"HTTPS_PROXY": f"127.0.0.1:{proxy.port}"})
    assert (outcome.status, outcome.error) == (None, "the proxy answered 407 to CONNECT")

"""Bodies through the real server: chunked, cut off, refused, slow, and a worker that dies under them."""

import http.client
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.pushing import expect, push_blob, start_upload
from tests.servers.databases import Databases
from tests.servers.images import Blob
from tests.servers.server import wait_until
from tests.v2.web import Web
from tests.wire import Reply

NAME = "library/app"
CONTENT = os.urandom(1 << 20) * 24
BLOB = Blob("application/octet-stream", CONTENT)
WHERE = f"/v2/{NAME}/blobs/{BLOB.digest}"


@pytest.fixture
def web(tmp_path: Path, databases: Databases) -> Iterator[Web]:
    with Web(tmp_path / "web", databases) as server:
        yield server


def send_chunked(web: Web, method: str, target: str, content: bytes) -> http.client.HTTPResponse:
    """One request with a chunked body in pieces of many sizes; the answer is read."""
    pieces = (content[start : start + (1 << 20) - 7] for start in range(0, len(content), (1 << 20) - 7))
    client = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    client.request(method, target, body=pieces, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    answer = client.getresponse()
    answer.read()
    client.close()
    return answer


def hang_up(web: Web, head: str, content: bytes) -> None:
    """Send a head and a part of its body, and close the connection."""
    with socket.create_connection(("127.0.0.1", web.port), timeout=60) as connection:
        connection.sendall(f"{head}\r\nHost: hub\r\n\r\n".encode() + content)


def status(web: Web, target: str) -> Reply:
    with web.wire() as wire:
        return expect(wire.request("GET", target), 204, "status of an upload")


def offset(web: Web, target: str) -> int:
    last = int(status(web, target).headers["range"].removeprefix("0-"))
    return last + 1 if last else 0


def go_on(web: Web, target: str) -> None:
    """Send what is missing and end the upload; the blob is then read back whole."""
    now = status(web, target)
    parts = urlsplit(now.headers["location"])
    rest = CONTENT[offset(web, target) :]
    with web.wire() as wire:
        done = wire.request("PUT", f"{parts.path}?{parts.query}&digest={BLOB.digest}", body=rest)
        expect(done, 201, "end of an upload")
        assert wire.request("GET", WHERE).body == CONTENT


def test_a_chunked_push(web: Web) -> None:
    """Neither PATCH nor PUT needs a Content-Length."""
    with web.wire() as wire:
        answer = send_chunked(web, "PATCH", start_upload(wire, NAME), CONTENT[:-5])
        assert answer.status == 202
        assert answer.headers["range"] == f"0-{len(CONTENT) - 6}"
        parts = urlsplit(answer.headers["location"])
        answer = send_chunked(web, "PUT", f"{parts.path}?{parts.query}&digest={BLOB.digest}", CONTENT[-5:])
        assert answer.status == 201
        assert wire.request("GET", WHERE).body == CONTENT


def test_a_chunked_push_in_one_request(web: Web) -> None:
    """The POST alone, whose length nobody has told."""
    answer = send_chunked(web, "POST", f"/v2/{NAME}/blobs/uploads/?digest={BLOB.digest}", CONTENT)
    assert (answer.status, answer.headers["docker-content-digest"]) == (201, BLOB.digest)
    with web.wire() as wire:
        assert wire.request("GET", WHERE).body == CONTENT


def test_several_parts_of_a_blob_on_a_kept_connection(web: Web) -> None:
    """Their length is right, so the connection serves the next request."""
    with web.wire() as wire:
        push_blob(wire, NAME, BLOB)
        middle = len(CONTENT) // 2
        answer = wire.request("GET", WHERE, headers={"Range": f"bytes=0-{middle - 1},{middle}-"})
        assert answer.status == 206
        assert CONTENT[:middle] in answer.body
        assert CONTENT[middle:] in answer.body
        assert int(answer.headers["content-length"]) == len(answer.body) < len(CONTENT) + 1000
        assert wire.request("GET", WHERE).body == CONTENT
    assert wait_until(lambda: open_blobs(web) == 0, 20)


def test_a_push_that_is_cut_off_goes_on(web: Web) -> None:
    """What came before the client hung up is kept; the status tells how much."""
    with web.wire() as wire:
        target = start_upload(wire, NAME)
    sent = 10 << 20
    hang_up(web, f"PATCH {target} HTTP/1.1\r\nContent-Length: {len(CONTENT)}", CONTENT[:sent])
    assert wait_until(lambda: offset(web, target) > 0, 20)
    assert offset(web, target) <= sent
    go_on(web, target)


def test_a_chunked_push_that_is_cut_off_goes_on(web: Web) -> None:
    """Without a Content-Length nothing tells that more should have come; the prefix is kept all the same."""
    with web.wire() as wire:
        target = start_upload(wire, NAME)
    piece = CONTENT[: 1 << 20]
    head = f"PATCH {target} HTTP/1.1\r\nTransfer-Encoding: chunked"
    hang_up(web, head, f"{len(piece):x}\r\n".encode() + piece + b"\r\n" + b"100000\r\n" + CONTENT[1 << 20 : 3 << 19])
    assert wait_until(lambda: offset(web, target) > 0, 20)
    assert offset(web, target) <= 3 << 19
    go_on(web, target)


def test_a_push_survives_the_death_of_its_worker(web: Web) -> None:
    """kill -9 in the middle of a chunk: the upload stands where it was recorded, and goes on in the next process."""
    with web.wire() as wire:
        first = wire.request("PATCH", start_upload(wire, NAME), body=CONTENT[: 1 << 20])
        parts = urlsplit(expect(first, 202, "first chunk").headers["location"])
    target = f"{parts.path}?{parts.query}"
    data = web.folder / "blobs/docker/registry/v2/repositories" / NAME / "_uploads" / Path(parts.path).name
    with socket.create_connection(("127.0.0.1", web.port), timeout=60) as connection:
        head = f"PATCH {target} HTTP/1.1\r\nHost: hub\r\nContent-Length: {len(CONTENT)}\r\n\r\n"
        connection.sendall(head.encode() + CONTENT[1 << 20 : 9 << 20])
        assert wait_until(lambda: data.stat().st_size > 4 << 20, 20)
        for process in web.workers():
            os.kill(process.pid, signal.SIGKILL)
    assert wait_until(lambda: answers(web), 30)
    assert offset(web, target) == 1 << 20
    go_on(web, target)


def answers(web: Web) -> bool:
    try:
        return web.is_ready()
    except OSError:
        return False


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_refusal_is_heard_by_a_client_that_is_still_sending(web: Web, is_chunked: bool) -> None:
    """The connection is not closed under it before it has read why."""
    target = f"/v2/{NAME}/blobs/uploads/01a20b6e-4411-733a-9be2-99871c36940e?_state=none"
    if is_chunked:
        assert send_chunked(web, "PATCH", target, CONTENT).status == 404
        return
    with web.wire() as wire:
        assert wire.request("PATCH", target, body=CONTENT).status == 404
        assert wire.request("GET", "/v2/").status == 200


def test_a_download_that_is_cut_off_lets_go_of_the_file(web: Web) -> None:
    """Whoever hangs up costs neither a descriptor nor a thread."""
    with web.wire() as wire:
        push_blob(wire, NAME, BLOB)
    for _ in range(40):  # more than there are threads
        with socket.create_connection(("127.0.0.1", web.port), timeout=60) as connection:
            connection.sendall(f"GET {WHERE} HTTP/1.1\r\nHost: hub\r\n\r\n".encode())
            assert connection.recv(1000)
    assert wait_until(lambda: open_blobs(web) == 0, 20)
    with web.wire() as wire:
        assert wire.request("GET", WHERE).body == CONTENT


def test_slow_downloads_hold_up_nobody(web: Web) -> None:
    """They hold a thread each, no connection to the database: pushes and pulls go on beside them."""
    with web.wire() as wire:
        push_blob(wire, NAME, BLOB)
    with ExitStack() as stack:
        for _ in range(25):
            slow = stack.enter_context(closing(socket.create_connection(("127.0.0.1", web.port), timeout=60)))
            slow.sendall(f"GET {WHERE} HTTP/1.1\r\nHost: hub\r\n\r\n".encode())
            assert slow.recv(1000)
        assert wait_until(lambda: open_blobs(web) == 25, 20)
        with web.wire() as wire:
            other = Blob("application/octet-stream", b"another blob")
            push_blob(wire, NAME, other)
            assert wire.request("GET", f"/v2/{NAME}/blobs/{other.digest}").body == b"another blob"
    assert wait_until(lambda: open_blobs(web) == 0, 20)


def open_blobs(web: Web) -> int:
    """How many files of blobs the workers hold open."""
    count = 0
    for process in web.workers():
        for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
            try:
                count += "/v2/blobs/" in os.readlink(descriptor)
            except FileNotFoundError:
                continue
    return count


def test_a_push_that_is_cut_off_before_its_first_byte_goes_on(web: Web) -> None:
    """A connection that closes after the head of a request changes nothing."""
    with web.wire() as wire:
        target = start_upload(wire, NAME)
    hang_up(web, f"PATCH {target} HTTP/1.1\r\nContent-Length: 100", b"")
    go_on(web, target)

"""Which source a request is from, by its token."""

import pytest

from notifications.receiver.sources import add_source
from notifications.receiver.wire import named_source
from tests.notifications.receiver.posting import envelope, event, post

pytestmark = pytest.mark.django_db


def test_the_url_may_name_the_source_of_the_token() -> None:
    """Another's token is none of its."""
    token, other = add_source("edge.example.org:5000")[1], add_source("other")[1]
    for path in ("/api/v1/events/edge.example.org:5000", "/api/v1/events/edge.example.org:5000/"):
        assert post(envelope(event()), token, PATH_INFO=path).status == 202
    answer = post(envelope(event()), other, PATH_INFO="/api/v1/events/edge.example.org:5000")
    assert answer.status == 401
    assert "source that the URL names" in answer.error["detail"]


def test_a_sender_that_knows_nothing_but_a_url_has_its_token_there() -> None:
    """A header counts before it."""
    token = add_source("edge")[1]
    path = "/api/v1/events/edge"
    assert post(envelope(event()), PATH_INFO=path, QUERY_STRING=f"token={token}").status == 202
    assert post(envelope(event()), PATH_INFO=path, QUERY_STRING="token=wrong").status == 401
    assert post(envelope(event()), "wrong", PATH_INFO=path, QUERY_STRING=f"token={token}").status == 401


def test_a_token_in_a_url_is_in_no_log_and_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong with the request."""
    caplog.set_level(0)
    token = add_source("edge")[1]
    for body in (b"{", b"[]", b'{"events": [{"id": ""}]}'):
        for query in (f"token={token}", f"token={token}x"):
            answer = post(body, PATH_INFO="/api/v1/events/edge", QUERY_STRING=query)
            assert token not in str(answer)
    assert token not in caplog.text


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/events", ""),
        ("/api/v1/events/", ""),
        ("/api/v1/events/edge", "edge"),
        ("/api/v1/events/edge.example.org:5000/", "edge.example.org:5000"),
        ("/api/v1/events/stream.example.org", "stream.example.org"),
        ("/api/v1/events/stream", ""),
        ("/api/v1/events/stream/", ""),
        ("/api/v1/events/a/b", ""),
        ("/api/v1/events/-", ""),
        ("/api/v1/events/a\n", ""),
    ],
)
def test_names_in_urls(path: str, name: str) -> None:
    """What is no name of a source names none; the stream of events is another's."""
    assert named_source(path) == name

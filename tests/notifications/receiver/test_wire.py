import base64
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from notifications.events import MEDIA_TYPE_V1, MEDIA_TYPE_V2
from notifications.log import intake
from notifications.log.models import Intake, SeenEvent
from notifications.receiver.adapters.reader import read
from registryhub.access import tokens
from registryhub.access.models import HUB_SOURCE_ID, Source
from registryhub.access.tokens import create_source_token
from registryhub.config.hub import Limits
from tests.notifications.receiver.posting import Answer, envelope, event, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def source(db: None) -> Source:
    return Source.objects.create(name="edge")


@pytest.fixture
def token(source: Source) -> str:
    return create_source_token(source)


def counts(answer: Answer) -> tuple[int, int, int]:
    assert answer.status == 202
    found = answer.document
    assert found.keys() == {"accepted", "duplicates", "quarantined"}
    return found["accepted"], found["duplicates"], found["quarantined"]


def basic(user: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def test_an_envelope_is_stored_as_it_came_in_one_row(source: Source, token: str) -> None:
    """The answer is 202 once the bytes are stored; understanding them comes later."""
    body = json.dumps(envelope(event("a"), event("b")), indent=3).encode()
    assert counts(post(body, token)) == (2, 0, 0)
    row = Intake.objects.get()
    assert (row.source, row.kind, bytes(row.raw)) == (source, "distribution", body)


@pytest.mark.parametrize(
    "content_type",
    [MEDIA_TYPE_V1, MEDIA_TYPE_V2, "application/json", "application/JSON; charset=utf-8", f"{MEDIA_TYPE_V2};v=1", ""],
)
def test_both_versions_and_plain_json_are_taken(token: str, content_type: str) -> None:
    """Receivers that match v1 exactly stopped working with registry 3; a missing type is no reason to refuse."""
    assert counts(post(envelope(event()), token, content_type=content_type)) == (1, 0, 0)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "nonsense"])
def test_other_types_are_refused_with_the_ones_that_are_taken(token: str, content_type: str) -> None:
    """415 names what to send instead."""
    answer = post(envelope(event()), token, content_type=content_type)
    assert answer.status == 415
    assert MEDIA_TYPE_V2 in answer.error["detail"]
    assert not Intake.objects.exists()


def test_a_compressed_body_is_refused_with_the_reason(token: str) -> None:
    """It would otherwise be called invalid JSON."""
    answer = post(envelope(event()), token, HTTP_CONTENT_ENCODING="gzip")
    assert answer.status == 415
    assert "gzip" in answer.error["detail"]


@pytest.mark.parametrize("form", ["Bearer {}", "bearer  {} ", "Token {}", "TOKEN {}"])
def test_the_token_comes_as_bearer_or_token(token: str, form: str) -> None:
    """In any case of letters."""
    assert post(envelope(event()), HTTP_AUTHORIZATION=form.format(token)).status == 202


def test_the_token_comes_as_a_basic_password(token: str) -> None:
    """What a registry sends for a URL with user information; the user name is not looked at."""
    assert post(envelope(event()), HTTP_AUTHORIZATION=basic("anyone", token)).status == 202
    assert post(envelope(event()), HTTP_AUTHORIZATION=basic(token, "")).status == 401


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic !!!",
        "Basic /////w==",
        "Digest x",
        "Bearer r\xe9\xff",
        "x" * 9000,
    ],
)
def test_without_a_valid_token_nothing_is_stored(token: str, authorization: str) -> None:
    """401 says how to get in, and a registry tries again later."""
    answer = post(envelope(event()), HTTP_AUTHORIZATION=authorization)
    assert answer.status == 401
    assert answer.error["code"] == "UNAUTHORIZED"
    assert "create_source" in answer.error["detail"]
    assert [value.split()[0] for value in answer.all("www-authenticate")] == ["Bearer", "Basic"]
    assert not Intake.objects.exists()


def test_tokens_that_ended_and_sources_that_are_disabled_stay_outside(source: Source) -> None:
    """So does the hub itself: nobody may claim its events."""
    expired = create_source_token(source, expires_at=timezone.now() - timedelta(seconds=1))
    valid = create_source_token(source)
    of_the_hub = create_source_token(Source.objects.get(pk=HUB_SOURCE_ID))
    assert [post(envelope(event()), one).status for one in (expired, valid, of_the_hub)] == [401, 202, 401]
    Source.objects.filter(pk=source.pk).update(is_enabled=False)
    assert post(envelope(event("b")), valid).status == 401


def test_duplicates_are_those_in_the_log_and_those_in_the_envelope(source: Source, token: str) -> None:
    """An id is known per source: another source's event of the same id is another event."""
    other = Source.objects.create(name="other")
    SeenEvent.objects.create(source=source, event_id="seen")
    SeenEvent.objects.create(source=other, event_id="b")
    body = envelope(event("seen"), event("b"), event("b"), {"id": "bad"}, event("c"))
    assert counts(post(body, token)) == (2, 2, 1)


def test_an_envelope_with_nothing_new_is_answered_and_not_stored(source: Source, token: str) -> None:
    """A sender that did not hear the answer sends it again; that costs no row."""
    SeenEvent.objects.create(source=source, event_id="seen")
    assert counts(post(envelope(event("seen")), token)) == (0, 1, 0)
    assert counts(post(envelope(), token)) == (0, 0, 0)
    assert not Intake.objects.exists()


def test_what_the_answer_says_is_what_the_sequencer_will_find(token: str) -> None:
    """The same reader, on the same bytes."""
    body = json.dumps(envelope(event("a"), event("b", action="x"), event("c"))).encode().replace(b"442", b"1e400", 1)
    assert counts(post(body, token)) == (1, 0, 2)
    kinds = [type(reading).__name__ for reading in read(bytes(Intake.objects.get().raw))]
    assert kinds == ["Unreadable", "Unreadable", "ReadEvent"]


@pytest.mark.parametrize("body", [b"", b"{nope", b"7", b'{"events": 7}', b'{"events": [{}', b'{"hello": "world"}'])
def test_a_body_that_is_no_envelope_is_refused_with_the_reason(token: str, body: bytes) -> None:
    """No half-written row stays behind."""
    answer = post(body, token)
    assert (answer.status, answer.error["code"]) == (400, "ENVELOPE_INVALID")
    assert answer.error["detail"]
    assert not Intake.objects.exists()


def test_a_body_shorter_than_announced_is_refused(token: str) -> None:
    """The client hung up: the server's body simply ends. What came may even be valid JSON."""
    body = json.dumps(envelope(event())).encode()
    answer = post(body, token, announced=len(body) + 1)
    assert (answer.status, answer.error["code"]) == (400, "ENVELOPE_INVALID")
    assert not Intake.objects.exists()


def test_a_chunked_body_is_taken_and_a_cut_one_refused(token: str) -> None:
    """Without a Content-Length the JSON itself tells whether all came."""
    body = json.dumps(envelope(event())).encode()
    assert post(body, token, chunked=True).status == 202
    assert post(body[:-1], token, chunked=True).status == 400


class Endless(io.RawIOBase):
    """A client that sends for ever; counts what was read."""

    def __init__(self) -> None:
        self.read_bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        self.read_bytes += size
        return b" " * size


def test_a_body_above_the_limit_is_refused_without_reading_it(token: str) -> None:
    """By its announced length at once, chunked as soon as it is too long."""
    limits = Limits(envelope_bytes=1000)
    body = envelope(event(), event())
    assert post(body, token, limits=limits).status == 413
    assert post(body, token, limits=limits, chunked=True).status == 413
    endless: Any = Endless()
    answer = post(b"", token, limits=limits, chunked=True, **{"wsgi.input": endless})
    assert answer.status == 413
    assert "envelope_bytes" in answer.error["detail"]
    assert endless.read_bytes < 1 << 20
    assert not Intake.objects.exists()


def test_an_envelope_of_too_many_events_is_refused(token: str) -> None:
    """Ten thousand is the default."""
    limits = Limits(envelope_events=2)
    events = [event(str(number)) for number in range(3)]
    assert post(envelope(*events[:2]), token, limits=limits).status == 202
    answer = post(envelope(*events), token, limits=limits)
    assert answer.status == 413
    assert "envelope_events" in answer.error["detail"]


def test_the_largest_envelope_passes(source: Source, token: str) -> None:
    """All ids are looked up, in bounded queries."""
    SeenEvent.objects.bulk_create([SeenEvent(source=source, event_id=f"id-{n}") for n in range(0, 10_000, 2)])
    assert counts(post([event(f"id-{number}") for number in range(10_000)], token)) == (5_000, 5_000, 0)


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
@pytest.mark.parametrize("place", [(tokens, "find_source"), (intake, "store")])
def test_without_a_database_the_sender_is_asked_to_come_again(
    token: str, monkeypatch: pytest.MonkeyPatch, error: Exception, place: tuple[object, str]
) -> None:
    """Never 200 for what was not stored: 503 and Retry-After."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(*place, fail)
    answer = post(envelope(event()), token)
    assert (answer.status, answer.error["code"]) == (503, "UNAVAILABLE")
    assert answer.all("retry-after") == ["1"]
    monkeypatch.undo()
    assert post(envelope(event()), token).status == 202
    assert Intake.objects.count() == 1


def test_a_fault_of_our_own_is_an_answer_too(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """500 in the same shape, and the sender tries again."""
    monkeypatch.setattr(intake, "store", lambda **_: 1 / 0)
    answer = post(envelope(event()), token)
    assert (answer.status, answer.error["code"]) == (500, "UNKNOWN")


def test_names_are_data_and_never_sql(token: str) -> None:
    """Some receivers build statements from repository names."""
    wild = event(target={"repository": "a'; DROP TABLE log_intake; --", "mediaType": "x", "tag": "'"})
    assert counts(post(envelope(wild), token)) == (1, 0, 0)
    assert Intake.objects.count() == 1

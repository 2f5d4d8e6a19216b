"""What requests say, byte for byte as the files beside this one have it."""

import hmac
import json
from pathlib import Path

import pytest
from pytest_django import Settings

from notifications.delivery.endpoints import build_face
from notifications.delivery.faces import Document, fill_in
from notifications.delivery.models import Attempt
from notifications.events import MEDIA_TYPE_V1, MEDIA_TYPE_V2
from notifications.signing import verify
from registryhub.config.notifications import TEMPLATE_FIELDS
from tests.notifications.delivery.stage import configure, configured, endpoint, ids, log_events, relay, start_at
from tests.servers.webhook_receiver import WebhookReceiver

GOLDEN = Path(__file__).parent / "golden"
NOW = 1_795_000_000.7
NEW, OLD = "whsec_bmV3IHNlY3JldCBvZiAyNCBieXRlcyEh", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "http://a.example/"


def document(number: int = 1, **target: str) -> Document:
    """A push, by somebody whose name means something to HTML and to Slack."""
    return {
        "id": f"01a20b6e-4411-733a-9be2-99871c36940{number}",
        "timestamp": "2026-11-24T02:41:45.489212Z",
        "action": "push",
        "target": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": "sha256:4f53",
            "size": 442,
            "length": 442,
            "repository": "lib/img",
            "url": "https://hub.example.org/v2/lib/img/manifests/sha256:4f53",
            **target,
        },
        "request": {"id": "r", "addr": "192.0.2.7:1", "host": "hub.example.org", "method": "PUT", "useragent": "d/1"},
        "actor": {"name": "<!channel> & co"},
        "source": {"addr": "node1:5000", "instanceID": "i"},
    }


@pytest.mark.parametrize(
    ("golden", "keys", "count", "media_type"),
    [
        ("distribution", {}, 1, MEDIA_TYPE_V2),
        ("distribution", {"mediatype": "v1"}, 1, MEDIA_TYPE_V1),
        ("batch", {"face": "batch"}, 2, MEDIA_TYPE_V2),
        ("cloudevents", {"face": "cloudevents"}, 1, "application/cloudevents+json"),
        ("cloudevents-batch", {"face": "cloudevents", "batchsize": 9}, 2, "application/cloudevents-batch+json"),
        ("standard", {"face": "standard", "secrets": [NEW]}, 1, "application/json"),
        ("slack", {"face": "slack"}, 1, "application/json"),
    ],
)
def test_each_face_says_it_in_its_own_words(golden: str, keys: dict[str, object], count: int, media_type: str) -> None:
    """Bodies and media types; a tag on one event, none on the other."""
    face = build_face(configured("a", URL, **keys))
    documents = [document(1, tag="1.0"), document(2)][:count]
    assert face.render(documents, NOW).body == (GOLDEN / f"{golden}.json").read_bytes()
    assert face.media_type == media_type


def test_a_batch_of_cloud_events_is_a_list_even_of_one() -> None:
    """The media type of an endpoint does not change from request to request."""
    face = build_face(configured("a", URL, face="cloudevents", batchsize=9))
    assert len(json.loads(face.render([document()], NOW).body)) == 1


def test_a_signature_holds_with_the_new_and_the_old_secret() -> None:
    """The id is that of the event, the time that of the attempt."""
    face = build_face(configured("a", URL, face="standard", secrets=[NEW, OLD]))
    body, extra = face.render([document()], NOW)
    headers = dict(extra)
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (document()["id"], str(int(NOW)))
    assert len(headers["webhook-signature"].split()) == 2
    for secret in (NEW, OLD):
        verify(secret, headers, body, now=NOW)


@pytest.mark.parametrize("name", ["distribution", "batch", "cloudevents", "slack"])
def test_other_faces_are_signed_as_github_does_it(name: str) -> None:
    """The newest secret, as it is written, over the body alone; what is said stays the same."""
    face = build_face(configured("a", URL, face=name, secrets=[NEW, OLD]))
    plain = build_face(configured("a", URL, face=name))
    body, headers = face.render([document()], NOW)
    assert (body, face.media_type) == (plain.render([document()], NOW).body, plain.media_type)
    assert dict(headers) == {"X-Hub-Signature-256": "sha256=" + hmac.new(NEW.encode(), body, "sha256").hexdigest()}


def test_a_template_names_any_field_and_nothing_is_read_twice() -> None:
    """What an event says is text, whatever it looks like."""
    template = "|".join(f"{{{name}}}" for name in TEMPLATE_FIELDS)
    face = build_face(configured("a", URL, face="slack", template=template))
    text = json.loads(face.render([document(tag="{actor}")], NOW).body)["text"]
    assert text.split("|") == [
        *("push", "lib/img:{actor}", "lib/img", "{actor}", "sha256:4f53", "application/vnd.oci.image.manifest.v1+json"),
        *("442", "https://hub.example.org/v2/lib/img/manifests/sha256:4f53", "&lt;!channel&gt; &amp; co"),
        *("192.0.2.7:1", "hub.example.org", document()["id"], "2026-11-24T02:41:45.489212Z"),
    ]
    assert fill_in("{nothing}{}", {}, str) == "{}"


@pytest.mark.django_db(transaction=True)
def test_batches_arrive_in_order_and_whole(settings: Settings) -> None:
    """So many events a request, ignored ones in between not counted; one refusal costs one attempt for all of them."""
    log_events(150)
    log_events(5, action="pull")
    log_events(295)
    with WebhookReceiver(answers=[503]) as receiver:
        configure(settings, configured("a", receiver.url, face="batch", batchsize=60, ignore={"actions": ["pull"]}))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 450)
    assert ids(receiver.events()) == [*range(1, 151), *range(156, 451)]
    assert [len(request.events()) for request in receiver.requests] == [60] * 8 + [25]
    row = endpoint("a")
    assert (row.successes, row.failures, row.consecutive_failures) == (445, 1, 0)
    assert (row.face, row.batch_size) == ("batch", 60)
    refused = Attempt.objects.get(is_success=False)
    assert (refused.first_seq, refused.seq, refused.events) == (1, 60, 60)


@pytest.mark.django_db(transaction=True)
def test_a_batch_waits_until_it_is_full(settings: Settings) -> None:
    """And not longer; with a wait of an hour the one that is not full stays where it is."""
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url, face="batch", batchsize=3, batchwait="1h"))
        start_at(0, "a")
        log_events(5)
        with relay() as running:
            running.wait_for("a", 3)
            running.feeds["endpoint:a"].pause(0.2)
            assert running.position("a") == 3
            log_events(1)
            running.announce()
            running.wait_for("a", 6)
    assert [len(request.events()) for request in receiver.requests] == [3, 3]


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_does_not_fill_is_sent_after_its_wait(settings: Settings) -> None:
    """Counted from the moment when its first event came into the log."""
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url, face="batch", batchsize=3, batchwait="300ms"))
        start_at(0, "a")
        log_events(2)
        with relay() as running:
            running.wait_for("a", 2)
    assert [len(request.events()) for request in receiver.requests] == [2]


@pytest.mark.django_db(transaction=True)
def test_every_attempt_is_signed_anew(settings: Settings) -> None:
    """An old signature would be refused as a replay; the id stays, so that a receiver can tell a repetition."""
    log_events(1)
    with WebhookReceiver(answers=[500]) as receiver:
        configure(settings, configured("a", receiver.url, face="standard", secrets=[NEW]))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", 1)
    for request in receiver.requests:
        verify(NEW, request.headers, request.body, now=request.at)
        assert request.headers["content-type"] == "application/json"
    assert {request.headers["webhook-id"] for request in receiver.requests} == {"event-1"}

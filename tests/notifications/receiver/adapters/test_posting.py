"""Other registries' payloads through the door: what they are answered, and what the log has of them."""

import json
from typing import Any

import pytest

from notifications.log.models import Event, Intake, QuarantinedEvent
from notifications.receiver.adapters.table import ADAPTERS
from registryhub.access.models import Source
from registryhub.access.tokens import create_source_token
from tests.notifications.log.making import sequence_all
from tests.notifications.receiver.adapters.samples import NAMES, expected, payload
from tests.notifications.receiver.posting import Answer, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def token(db: None) -> str:
    return create_source_token(Source.objects.create(name="edge"))


def send(name: str, token: str) -> Answer:
    headers = dict(expected(name)["headers"])
    content_type = headers.pop("Content-Type", "application/json")
    environ = {f"HTTP_{key.upper().replace('-', '_')}": value for key, value in headers.items()}
    return post(payload(name), token, content_type=content_type, **environ)


def test_every_sample_is_taken_and_what_the_answer_says_is_in_the_log(token: str) -> None:
    """All of them, one after the other, from one source."""
    wanted: list[tuple[str, str, str]] = []
    for name in NAMES:
        told = expected(name)
        seen = {event.get("id") for event in told["events"]} & {"019ca8f0-0000-7000-8000-000000000001"}
        answer = send(name, token)
        assert answer.status == 202, name
        assert answer.document.get("ignored", 0) == told["ignored"], name
        assert answer.document["quarantined"] == 0, name
        if not seen or name == "cloudevents-any":
            wanted += [(event["action"], event["repository"], event.get("tag", "")) for event in told["events"]]
        sequence_all()
    assert list(Event.objects.order_by("seq").values_list("action", "repository", "tag")) == wanted
    assert not QuarantinedEvent.objects.exists()


def test_what_means_nothing_is_counted_and_leaves_no_row(token: str) -> None:
    """The key is only there when there is something to tell."""
    answer = send("harbor-ignored", token)
    assert (answer.status, answer.document) == (202, {"accepted": 0, "duplicates": 0, "quarantined": 0, "ignored": 1})
    assert not Intake.objects.exists()
    assert "ignored" not in send("harbor-pull", token).document


@pytest.mark.parametrize("name", ["harbor-push", "zot-updated", "docker-hub-push", "gitea-deleted", "ecr-push"])
def test_a_payload_that_comes_again_is_a_duplicate(token: str, name: str) -> None:
    """A sender that did not hear the answer sends it again."""
    first = send(name, token).document["accepted"]
    sequence_all()
    assert first
    assert send(name, token).document == {"accepted": 0, "duplicates": first, "quarantined": 0}


def test_event_grid_hears_its_code_in_a_200(token: str) -> None:
    """It takes no 202 for it; and whoever has no token gets no answer."""
    asked: list[dict[str, Any]] = [
        {
            "id": "2d1781af-3a4c-4d7c-bd0c-e34b19da4e66",
            "topic": "/subscriptions/s",
            "subject": "",
            "data": {"validationCode": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6", "validationUrl": "https://example.org"},
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": "2026-03-01T10:20:30Z",
            "metadataVersion": "1",
            "dataVersion": "1",
        }
    ]
    answer = post(asked, token, HTTP_AEG_EVENT_TYPE="SubscriptionValidation")
    assert (answer.status, answer.document) == (200, {"validationResponse": "512d38b6-c7b8-40c8-89fe-f46f9e9622b6"})
    assert post(asked, "", HTTP_AEG_EVENT_TYPE="SubscriptionValidation").status == 401
    assert post(b"[{}]", token, HTTP_AEG_EVENT_TYPE="SubscriptionValidation").document["quarantined"] == 1
    assert post(b"nope", token, HTTP_AEG_EVENT_TYPE="SubscriptionValidation").status == 400
    assert post(asked, token).document["ignored"] == 1


def test_whatever_stands_in_a_payload_can_be_stored(token: str) -> None:
    """Beside what the event needs: a NUL, letters of any planet, what looks like SQL."""
    document = json.loads(payload("docker-hub-push"))
    document["repository"]["full_description"] = "\0 \U0001f433 '; DROP TABLE log_event; -- \u2028"
    assert post(document, token).document["accepted"] == 1
    sequence_all()
    assert json.loads(Event.objects.get().raw)["original"]["payload"] == document


def test_an_unknown_body_is_told_who_is_understood(token: str) -> None:
    """In words that help to find the mistake."""
    answer = post({"hello": "world"}, token)
    assert answer.status == 400
    assert all(adapter.NAME in answer.error["detail"] for adapter in ADAPTERS)

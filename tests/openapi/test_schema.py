"""Whatever it is asked, the API answers as its schema says: no fault, and no status, media type or body beside it."""

import pytest
from pytest_django import Settings

from tests.openapi.fuzzing import ask_all
from tests.openapi.ground import Who, make_ground
from tests.openapi.outgoing import only_this_machine
from tests.servers.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.django_db

EXAMPLES: dict[Who, int] = {"administrator": 30, "user": 5, "anonymous": 5}


@pytest.mark.parametrize("who", EXAMPLES)
def test_every_answer_is_as_the_schema_says(who: Who, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same requests in every run, and others in `make soak`; nobody is called but the receiver of this test."""
    with WebhookReceiver() as receiver:
        refused = only_this_machine(monkeypatch)
        ground = make_ground(settings, monkeypatch, receiver.url)
        found = ask_all(ground, who, examples=EXAMPLES[who], is_random=False)
    assert not found.faults, "\n\n".join(found.faults)
    assert refused == []
    import json
    import os

    os.environ.get("ST") and print(json.dumps({k: dict(v) for k, v in found.statuses.items()}))
    if who == "administrator":
        assert found.without_success() == []
        assert receiver.requests

"""A hub filled, asked, and called by nobody but itself."""

import pytest
from pytest_django import Settings

from tests.openapi.fuzzing import Findings, ask_all
from tests.openapi.ground import Who, make_ground
from tests.openapi.outgoing import only_this_machine
from tests.servers.webhook_receiver import WebhookReceiver


def ask_hub(who: Who, settings: Settings, patch: pytest.MonkeyPatch, *, examples: int, is_random: bool) -> Findings:
    """Raises AssertionError when anything but this machine was called, even where that was caught."""
    with WebhookReceiver() as receiver:
        refused = only_this_machine(patch)
        found = ask_all(make_ground(settings, patch, receiver.url), who, examples=examples, is_random=is_random)
    assert refused == []
    return found

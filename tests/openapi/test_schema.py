"""Whatever it is asked, the API answers as its schema says: no fault, and no status, media type or body beside it."""

import pytest
from pytest_django import Settings

from tests.openapi.ground import Who
from tests.openapi.hub import ask_hub

pytestmark = pytest.mark.django_db

EXAMPLES: dict[Who, int] = {"administrator": 24, "user": 4, "anonymous": 4}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("who", EXAMPLES)
def test_every_answer_is_as_the_schema_says(who: Who, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same requests in every run, and others in `make soak`; an administrator has success with each operation."""
    found = ask_hub(who, settings, monkeypatch, examples=EXAMPLES[who], is_random=False)
    assert not found.faults, "\n\n".join(found.faults)
    assert who != "administrator" or found.without_success() == []

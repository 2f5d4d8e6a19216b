"""Every operation of the API asked a thousand times, with other requests each time."""

import pytest
from pytest_django import Settings

from tests.openapi.ground import Who
from tests.openapi.hub import ask_hub

pytestmark = pytest.mark.django_db

EXAMPLES: dict[Who, int] = {"administrator": 1000, "user": 200, "anonymous": 200}


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("who", EXAMPLES)
def test_a_thousand_requests_are_answered_as_the_schema_says(
    who: Who, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that is not is printed as small as it can be."""
    found = ask_hub(who, settings, monkeypatch, examples=EXAMPLES[who], is_random=True)
    assert not found.faults, "\n\n".join(found.faults)

"""What the parts of the REST API have in common: one shape of errors, and the mend in each."""

import base64

import pytest

from tests.rest import staff

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("listing", "position"),
    [("notices", "x"), ("collections", "2026-11-24"), ("deployments", "\0"), ("retention-rules", "\0")],
)
def test_a_cursor_of_another_listing_is_refused_by_name(listing: str, position: str) -> None:
    """Also one that was made up and holds what no database takes."""
    cursor = base64.b64encode(f"p={position}".encode()).decode()
    answer = staff().get(f"{listing}?cursor={cursor}")
    assert (answer.status, list(answer.document)) == (400, ["cursor"]), answer.text


def test_what_is_no_cursor_is_refused_by_name() -> None:
    """400 like any other mistake."""
    answer = staff().get("notices?cursor=nonsense")
    assert (answer.status, list(answer.document)) == (400, ["cursor"])


def test_an_unknown_format_is_told_what_there_is() -> None:
    """As JSON, since there is nothing else to say it in."""
    answer = staff().get("stats?format=xlsx")
    assert (answer.status, list(answer.document)) == (400, ["format"])
    assert "json, csv" in answer.text


def test_errors_are_objects() -> None:
    """Also those about the body as a whole."""
    answer = staff().ask("POST", "endpoints/preview", [])
    assert (answer.status, answer.document) == (400, {"detail": "must be an object"})

"""How the pages write spans of time and actions."""

import pytest

from webui.operations.places import Place, read_place, write_after, write_before
from webui.templatetags.operations import action_tone, brief, lasting


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0.0, "0 ms"), (0.0404, "40 ms"), (3.24, "3.2 s"), (11.3, "11 s"), (59.7, "1 min 0 s")),
        *((125, "2 min 5 s"), (3600, "1 h 0 min"), (7300, "2 h 1 min")),
    ],
)
def test_spans_are_written_in_two_units_at_most(seconds: float, text: str) -> None:
    """Fine for what is short, coarse for what is long."""
    assert lasting(seconds) == text


def test_digests_in_sentences_are_short() -> None:
    """Nobody reads 64 figures."""
    digest = "sha256:" + "9f2c4e81b0aa" + "0" * 52
    assert (
        brief(f"created from shop/web@{digest}, as {digest}") == "created from shop/web@9f2c4e81b0aa, as 9f2c4e81b0aa"
    )
    assert brief("sha256:12 is none") == "sha256:12 is none"


def test_an_action_nobody_knows_has_a_dot_too() -> None:
    """Logs outlive versions."""
    assert action_tone("teleport") == "still"


@pytest.mark.parametrize("number", [0, 1, 10**17])
def test_a_cursor_is_read_as_it_was_written(number: int) -> None:
    """On either side."""
    assert read_place(write_before(number)) == Place(before=number)
    assert read_place(write_after(number)) == Place(after=number)

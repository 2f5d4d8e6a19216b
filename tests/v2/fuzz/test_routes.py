"""Every route, asked in all the ways that are nearly right: clear errors of the table, and a store that stays whole."""

from pathlib import Path

import pytest

from tests.registry.journals import JournalReader
from tests.v2.fuzz.fuzzing import ALL_ROUTES, fuzz

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = 300


@pytest.mark.parametrize("route", ALL_ROUTES)
def test_nothing_that_is_asked_breaks_anything(route: str, tmp_path: Path, journal: JournalReader) -> None:
    """The same requests in every run; `make soak` asks others."""
    fuzz(route, tmp_path, journal, examples=EXAMPLES, is_random=False)

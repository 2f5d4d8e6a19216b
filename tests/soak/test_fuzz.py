"""Every route asked ten thousand times, in other ways in each run."""

from pathlib import Path

import pytest

from tests.registry.journals import JournalReader, journal
from tests.v2.fuzz.fuzzing import ALL_ROUTES, fuzz

__all__ = ["journal"]

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = 10_000


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("route", ALL_ROUTES)
def test_ten_thousand_requests_break_nothing(route: str, tmp_path: Path, journal: JournalReader) -> None:
    """A request that does is printed as small as it can be."""
    fuzz(route, tmp_path, journal, examples=EXAMPLES, is_random=True)

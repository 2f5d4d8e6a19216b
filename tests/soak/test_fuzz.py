"""Every route asked ten thousand times, and a thousand runs beside the model, other ones each time."""

from pathlib import Path

import pytest

from tests.registry.journals import JournalReader, journal
from tests.v2.fuzz.fuzzing import ALL_ROUTES, fuzz, run_machine

__all__ = ["journal"]

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = 10_000
RUNS, STEPS = 1000, 50


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("route", ALL_ROUTES)
def test_ten_thousand_requests_break_nothing(route: str, tmp_path: Path, journal: JournalReader) -> None:
    """A request that does is printed as small as it can be."""
    fuzz(route, tmp_path, journal, examples=EXAMPLES, is_random=True)


@pytest.mark.timeout(7200)
def test_a_thousand_runs_leave_what_the_model_says(tmp_path: Path, journal: JournalReader) -> None:
    """A run that does not is printed as short as it can be."""
    run_machine(tmp_path, journal, runs=RUNS, steps=STEPS, is_random=True)

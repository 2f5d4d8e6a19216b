"""Whatever is asked: clear errors of the table, a store that stays whole, repositories that are what was asked for."""

from pathlib import Path

import pytest

from tests.registry.journals import JournalReader
from tests.v2.fuzz.fuzzing import ALL_ROUTES, fuzz, run_machine

pytestmark = pytest.mark.django_db(transaction=True)

EXAMPLES = 300
RUNS, STEPS = 20, 30


@pytest.mark.parametrize("route", ALL_ROUTES)
def test_nothing_that_is_asked_breaks_anything(route: str, tmp_path: Path, journal: JournalReader) -> None:
    """Each route in all the ways that are nearly right; the same in every run, and others in `make soak`."""
    fuzz(route, tmp_path, journal, examples=EXAMPLES, is_random=False)


def test_repositories_are_what_the_model_says(tmp_path: Path, journal: JournalReader) -> None:
    """After uploads, manifests, tags, deletes, mounts and listings in any order."""
    run_machine(tmp_path, journal, runs=RUNS, steps=STEPS, is_random=False)

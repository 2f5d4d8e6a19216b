"""Running one route's requests, or any requests beside the model, through a data plane, many times."""

from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.registry.journals import JournalReader
from tests.v2.fuzz.calls import ROUTES
from tests.v2.fuzz.ground import Call, Ground
from tests.v2.fuzz.machine import RegistryMachine
from tests.v2.fuzz.uploads import UPLOAD_ROUTES, UploadCall

ALL_ROUTES = (*ROUTES, *UPLOAD_ROUTES)


def fuzz(route: str, folder: Path, journal: JournalReader, *, examples: int, is_random: bool) -> None:
    """Raises AssertionError, with the smallest request that does it, for an answer or a store that must not be."""
    ground = Ground.make(folder)
    run = _settings(examples, is_random)
    if route in ROUTES:

        @run
        @given(ROUTES[route])
        def ask(call: Call) -> None:
            ground.ask(call)

        ask()
    else:

        @run
        @given(UPLOAD_ROUTES[route])
        def ask_upload(call: UploadCall) -> None:
            call.ask(ground)

        ask_upload()
    ground.check_all(journal)


def run_machine(folder: Path, journal: JournalReader, *, runs: int, steps: int, is_random: bool) -> None:
    """Raises AssertionError, with the shortest run that does it, where the registry is not what the model says."""
    ground = Ground.make(folder)
    machine = type("Machine", (RegistryMachine,), {"ground": ground})
    run_state_machine_as_test(machine, settings=settings(_settings(runs, is_random), stateful_step_count=steps))
    ground.check_all(journal)


def _settings(examples: int, is_random: bool) -> settings:
    return settings(
        max_examples=examples,
        derandomize=not is_random,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )

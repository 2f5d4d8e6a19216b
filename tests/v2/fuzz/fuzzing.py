"""Running one route's requests, or any requests beside the model, through a data plane, many times."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.fuzzing import fuzz_settings
from tests.registry.journals import JournalReader
from tests.v2.fuzz.calls import ROUTES
from tests.v2.fuzz.ground import Call, Ground
from tests.v2.fuzz.machine import RegistryMachine
from tests.v2.fuzz.uploads import UPLOAD_ROUTES, UploadCall

ALL_ROUTES = (*ROUTES, *UPLOAD_ROUTES)


def fuzz(route: str, folder: Path, journal: JournalReader, *, examples: int, is_random: bool) -> None:
    """Raises AssertionError, with the smallest request that does it, for an answer or a store that must not be."""
    ground = Ground.make(folder)
    run = fuzz_settings(examples, is_random=is_random)
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
    run = fuzz_settings(runs, is_random=is_random)
    machine = type("Machine", (RegistryMachine,), {"ground": ground})
    run_state_machine_as_test(machine, settings=settings(run, stateful_step_count=steps))
    ground.check_all(journal)

"""Asking every operation of the schema in ways that it allows and in ways that it does not."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fuzzing import fuzz_settings
from tests.openapi.ground import Ground, Who

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
Operation = APIOperation[Any, Any, Any, Any]

_MORE = 10
_BY_REPOSITORY = "/api/v1/repositories/{name}"


@dataclass(slots=True)
class Findings:
    """`faults`: the smallest request of each operation that was answered as it must not be; `statuses` by operation."""

    faults: list[str] = field(default_factory=list)
    statuses: dict[str, Counter[int]] = field(default_factory=dict)

    def without_success(self) -> list[str]:
        """Operations that never did what they are for, so that those answers were not checked."""
        return [name for name, seen in self.statuses.items() if not _has_success(seen)]


def ask_all(ground: Ground, who: Who, *, examples: int, is_random: bool) -> Findings:
    """So many requests for each operation, each followed by a second one where its answer has an ETag.

    For an administrator more of them, where none had success.
    """
    found = Findings()
    run = settings(fuzz_settings(examples, is_random=is_random), report_multiple_bugs=False)
    for operation in _operations(ground):
        seen = found.statuses[operation.label] = Counter()
        try:
            _ask(ground, operation, who, run, seen)
            if who == "administrator" and not _has_success(seen):
                _ask(ground, operation, who, settings(run, max_examples=_MORE * examples), seen)
        except (Exception, FailureGroup) as fault:
            found.faults.append(f"{who}: {operation.label}\n{fault}")
    return found


def _has_success(seen: Counter[int]) -> bool:
    return any(status < 300 for status in seen)


def _operations(ground: Ground) -> Iterator[Operation]:
    for result in ground.schema.get_all_operations():
        assert isinstance(result, Ok), result.err()
        yield result.ok()


def _ask(ground: Ground, operation: Operation, who: Who, run: settings, seen: Counter[int]) -> None:
    @run
    @given(st.one_of(*_cases(ground, operation)))
    def ask(case: Case) -> None:
        with _undone():
            answer = _call(case, ground.headers[who], seen)
            for etag in answer.headers.get("etag", ()):
                _call(case, {**ground.headers[who], "If-None-Match": etag}, seen)

    ask()


def _cases(ground: Ground, operation: Operation) -> Iterator[st.SearchStrategy[Case]]:
    """What the schema allows and what it does not, the latter where it has something to say."""
    modes = [GenerationMode.POSITIVE]
    if operation.body or any(True for _ in operation.iter_parameters()):
        modes.append(GenerationMode.NEGATIVE)
    places = [{"name": name} for name in ground.repositories] if operation.path == _BY_REPOSITORY else []
    for mode in modes:
        for place in (None, *places):
            yield operation.as_strategy(generation_mode=mode, path_parameters=place)


@contextmanager
def _undone() -> Iterator[None]:
    """The next request finds everything as it was; what a commit would have refused is refused here."""
    with transaction.atomic():
        yield
        connection.check_constraints()
        transaction.set_rollback(True)


def _call(case: Case, headers: Mapping[str, str], seen: Counter[int]) -> Response:
    answer = case.call(headers=dict(headers))
    seen[answer.status_code] += 1
    case.validate_response(answer, checks=list(CHECKS))
    return answer

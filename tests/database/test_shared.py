"""Look-ups that threads share: together, each with its own answer, and never older than the question."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction

from registryhub.access.models import Source
from registryhub.database import shared
from registryhub.database.lookups import Row
from registryhub.database.shared import Gathering, SharedLookup
from tests.servers.server import wait_until

_NAME = SharedLookup(
    "test_source_name", "SELECT name FROM access_source WHERE id = %s AND name >= %s", ("bigint", "text")
)


class Answerer:
    """Answers with the key doubled, once it is let; remembers who was asked together."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.singles: list[int] = []
        self.groups: list[list[int]] = []
        self.refuses_groups = False
        self.refuses_singles = False
        self.gathering = Gathering(self.ask_one, self.ask_many)

    def ask_one(self, key: int) -> Row | None:
        self.singles.append(key)
        assert self.may_answer.wait(20)
        if self.refuses_singles:
            raise DatabaseError(key)
        return (2 * key,) if key >= 0 else None

    def ask_many(self, keys: Sequence[Any]) -> dict[int, Row]:
        self.groups.append([key for (key,) in keys])
        if self.refuses_groups:
            raise DatabaseError("all")
        return {place: (2 * key,) for place, (key,) in enumerate(keys) if key >= 0}


@pytest.fixture
def answerer() -> Answerer:
    return Answerer()


def ask_at_once(answerer: Answerer, keys: Sequence[int]) -> list[Future[Row | None]]:
    """As many threads; the answerer answers nobody before all have come."""
    gathering = answerer.gathering
    with ThreadPoolExecutor(len(keys)) as threads:
        asked = [threads.submit(gathering.find, (key,)) for key in keys]
        waiting = len(keys) - shared.AT_ONCE
        assert wait_until(lambda: len(gathering._waiting) == waiting, 20)
        assert len(answerer.singles) == shared.AT_ONCE
        answerer.may_answer.set()
    return asked


def test_who_comes_meanwhile_is_asked_for_together(answerer: Answerer) -> None:
    """And everyone gets the answer to the own question."""
    keys = [*range(20), -1]
    asked = ask_at_once(answerer, keys)
    assert [each.result() for each in asked] == [*((2 * key,) for key in range(20)), None]
    assert len(answerer.groups) <= 2
    assert sorted(sum(answerer.groups, answerer.singles)) == sorted(keys)


def test_the_same_question_of_many_is_asked_once(answerer: Answerer) -> None:
    """A popular image: by the query for one when nobody wants anything else."""
    asked = ask_at_once(answerer, [7, 8, *[9] * 20])
    assert [each.result() for each in asked] == [(14,), (16,), *[(18,)] * 20]
    assert answerer.groups == []
    assert sorted(answerer.singles)[:2] == [7, 8]
    assert len(answerer.singles) <= 2 + 2

    answerer.may_answer.clear()
    answerer.singles.clear()
    asked = ask_at_once(answerer, [1, 2, *[3, 4] * 10])
    assert [each.result() for each in asked] == [(2,), (4,), *[(6,), (8,)] * 10]
    assert all(len(group) == len(set(group)) == 2 for group in answerer.groups)


def test_a_group_is_bounded(answerer: Answerer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MOST_TOGETHER", 4)
    asked = ask_at_once(answerer, range(20))
    assert [each.result() for each in asked] == [(2 * key,) for key in range(20)]
    assert max(map(len, answerer.groups)) == 4


def test_when_a_group_fails_everyone_learns_why(answerer: Answerer) -> None:
    """One's bad question does not spoil the others' answers."""
    answerer.refuses_groups = True
    asked = ask_at_once(answerer, range(10))
    assert [each.result() for each in asked] == [(2 * key,) for key in range(10)]
    assert sorted(answerer.singles) == list(range(10))


def test_nobody_waits_for_ever_behind_a_failure(answerer: Answerer) -> None:
    """Not those who waited, and not those who come later."""
    answerer.refuses_groups = answerer.refuses_singles = True
    asked = ask_at_once(answerer, range(10))
    assert [type(each.exception()) for each in asked] == [DatabaseError] * 10
    answerer.refuses_groups = answerer.refuses_singles = False
    assert answerer.gathering.find((4,)) == (8,)


def in_threads(number: int, work: Callable[[int], Row | None]) -> list[Row | None]:
    def run(each: int) -> Row | None:
        try:
            return work(each)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(run, range(4 * number)))


@pytest.mark.django_db(transaction=True)
def test_the_database_gives_each_its_row() -> None:
    """Also those for which there is none, and those who ask the same; in one query and thread by thread."""
    ids = [Source.objects.create(name=f"source-{number}").pk for number in range(8)]
    if connection.vendor == "postgresql":
        assert _NAME._ask_many([(ids[5], ""), (-1, ""), (ids[5], "")]) == {0: ("source-5",), 2: ("source-5",)}
    found = in_threads(8, lambda each: _NAME.one(ids[each % 8] if each % 3 else -1, ""))
    assert found == [(f"source-{each % 8}",) if each % 3 else None for each in range(32)]


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_it_sees_what_was_written_there() -> None:
    with transaction.atomic():
        source = Source.objects.create(name="fresh")
        assert _NAME.one(source.pk, "") == ("fresh",)

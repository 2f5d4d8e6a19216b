"""What everybody sees and what only some see is added up apart: who changes sides takes its numbers along."""

from django.db import connection

from notifications.analytics.counters import NAME
from notifications.analytics.live import ever
from notifications.analytics.tables import (
    DAYS_OF,
    SOURCES_OF,
    Table,
)
from notifications.log.places import lock_place
from registryhub.access.models import Repository

_PARTS: tuple[tuple[Table, Table], ...] = (
    *SOURCES_OF,
    *((DAYS_OF[part], DAYS_OF[whole]) for part, whole in SOURCES_OF),
)
"""What is counted of repositories, and where it is added up by source."""


def change_sides(repository: Repository, *, is_public: bool) -> None:
    """The repository is about to be public, or not any more. On the caller's transaction, before it is written.

    Nobody counts until that ends.
    """
    lock_place(NAME)
    for part, whole in _PARTS:
        _move(part, whole, repository, is_public=not is_public, sign="-")
        _move(part, whole, repository, is_public=is_public, sign="")


def _move(part: Table, whole: Table, repository: Repository, *, is_public: bool, sign: str) -> None:
    moment, _, _, *others = whole.keys
    keys, counts = ", ".join((moment, *others)), whole.counts
    sums = ", ".join(f"{sign}SUM({name})" for name in counts)
    changes = ", ".join(f"{name} = {whole.name}.{name} + excluded.{name}" for name in counts)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {whole.name} (source_id, is_public, {keys}, {', '.join(counts)})"  # noqa: S608
            f" SELECT %s, %s, {keys}, {sums} FROM {part.name} WHERE {ever(part)} AND repository_id = %s GROUP BY {keys}"
            f" ON CONFLICT ({', '.join(whole.keys)}) DO UPDATE SET {changes}",
            (repository.source_id, is_public, repository.pk),
        )

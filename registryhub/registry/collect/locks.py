"""The row of a blob is the lock between pushes and a collection (see `registryhub.registry.blobs`)."""

from django.db import connection

from registryhub.registry.collect.ids import among


def lock_blobs(ids: list[int]) -> list[int]:
    """Those of the blobs that nobody else holds, locked until the caller's transaction ends.

    A collection never waits for a blob: whoever holds one is about to use it. So it cannot be part of a deadlock with
    pushes, which wait for one another in the order of digests. On SQLite the caller is the only writer anyway.
    """
    is_postgres = connection.vendor == "postgresql"
    condition, parameter = among(ids)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM registry_blob WHERE id {condition} ORDER BY id"  # noqa: S608
            f"{' FOR UPDATE SKIP LOCKED' if is_postgres else ''}",
            [parameter],
        )
        return [row[0] for row in cursor.fetchall()]

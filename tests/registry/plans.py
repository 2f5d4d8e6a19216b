"""How PostgreSQL would do it, with tables so large that reading them whole would be folly."""

from collections.abc import Sequence

from django.db import connection

from registryhub.access.models import HUB_SOURCE_ID
from registryhub.access.repositories import ensure_repository
from registryhub.database.lookups import Lookup
from registryhub.oci.media_types import OCI_INDEX

MANY = 20_000
REPOSITORY = "team/large"
SUBJECT = f"sha256:{'e' * 64}"

_FILL = """
    INSERT INTO registry_manifest
        (repository_id, digest, media_type, size, payload, artifact_type, subject, created_at, touched_at)
    SELECT {repository}, 'sha256:' || md5(number::text) || md5('m' || number), '{media_type}', 2, '{{}}', '',
        CASE WHEN number % 100 = 0 THEN '{subject}' WHEN number % 3 = 0 THEN 'sha256:' || md5('s' || number)
        ELSE '' END,
        now(), now()
    FROM generate_series(1, {many}) AS number;
    INSERT INTO registry_tag (repository_id, name, manifest_id, digest, media_type, size, created_at, moved_at)
    SELECT repository_id, 'v' || id, id, digest, media_type, size, now(), now() FROM registry_manifest;
    INSERT INTO registry_blob (digest, size, created_at)
    SELECT 'sha256:' || md5(number::text) || md5('b' || number), 1, now() FROM generate_series(1, {many}) AS number;
    INSERT INTO registry_bloblink (repository_id, blob_id, created_at, touched_at)
    SELECT {repository}, id, now(), now() FROM registry_blob;
    INSERT INTO registry_manifestreference (manifest_id, digest, repository_id)
    SELECT manifest.id, blob.digest, {repository}
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM registry_manifest) AS manifest
    JOIN (SELECT digest, row_number() OVER (ORDER BY id) AS place FROM registry_blob) AS blob USING (place);
    ANALYZE;
"""


def fill() -> None:
    """A repository of MANY manifests, each with its tag and its blob; one in a hundred is attached to SUBJECT."""
    repository = ensure_repository(HUB_SOURCE_ID, REPOSITORY)
    with connection.cursor() as cursor:
        cursor.execute(_FILL.format(repository=repository, many=MANY, subject=SUBJECT, media_type=OCI_INDEX))


def plan_of(sql: str, parameters: Sequence[str | int] | None = None) -> str:
    """Of a statement; it is not run."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", parameters)
        return "\n".join(line for (line,) in cursor.fetchall())


def plan_of_lookup(lookup: Lookup, *parameters: str | int) -> str:
    """Of a prepared one, as it is planned once for all parameters."""
    explained = Lookup("explained", lookup.sql)
    with connection.cursor() as cursor:
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        cursor.execute(explained._prepare_sql)
        try:
            return plan_of(explained._execute_sql, parameters)
        finally:
            cursor.execute("DEALLOCATE explained; RESET plan_cache_mode")


def whole_tables(plan: str) -> list[str]:
    """The tables of the registry that are read from end to end."""
    return [line.strip() for line in plan.splitlines() if "Seq Scan on registry_" in line]

"""`python -m tests.bench.fill KIND FIRST LAST`: many rows in the database of a hub, made by the database itself.

KIND is `repositories` (each with a manifest and a tag), `crowd` (the repositories that events flood, public but for
every tenth, with all their tags), `tags` (of one repository, ten a manifest), `referrers` (of one manifest), or `blobs`
(with their files, which nothing refers to). Numbers FIRST to LAST. The manifests have no blobs: what is measured is how
they are found.
"""

import os
import sys
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registryhub.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from registryhub.access.models import HUB_SOURCE_ID  # noqa: E402
from registryhub.access.repositories import ensure_repository  # noqa: E402
from registryhub.oci.media_types import OCI_MANIFEST  # noqa: E402
from tests.bench import flood  # noqa: E402
from tests.bench.garbage import BLOB_BYTES, write_blobs  # noqa: E402

REPOSITORY = "many/tagged"
TAGS_EACH = 10
SUBJECT = f"sha256:{'f' * 64}"
ARTIFACT_TYPE = "application/vnd.example.signature"
PAYLOAD = (
    b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"%b",'
    b'"digest":"%b","size":2},"layers":[]}' % (ARTIFACT_TYPE.encode(), SUBJECT.encode())
)

_BLOBS = "INSERT INTO registry_blob (digest, size, created_at) SELECT {digest}, {size}, {now} FROM {rows}"
_REPOSITORIES = """
    INSERT INTO access_repository (source_id, name, is_public, created_at)
    SELECT {source}, {name}, {is_public}, {now} FROM {numbers}
"""
_MANIFESTS = """
    INSERT INTO registry_manifest
        (repository_id, digest, media_type, size, payload, artifact_type, subject, created_at, touched_at)
    SELECT {repository}, {digest}, {media_type}, {size}, {payload}, {artifact_type}, {subject}, {now}, {now}
    FROM {rows}
"""
_TAGS = """
    INSERT INTO registry_tag (repository_id, name, manifest_id, digest, media_type, size, created_at, moved_at)
    SELECT manifest.repository_id, {name}, manifest.id, manifest.digest, {media_type}, {size}, {now}, {now}
    FROM {rows} JOIN registry_manifest AS manifest ON manifest.repository_id = {repository} AND manifest.digest = {digest}
"""  # noqa: E501


def fill_repositories(first: int, last: int) -> None:
    _run(_REPOSITORIES, first, last, name=_padded("many/r"))
    joined = f"{_numbers(first, last)} JOIN access_repository AS repository ON repository.name = {_padded('many/r')}"
    _run(_MANIFESTS, first, last, repository="repository.id", digest=_digest("n.i"), subject="''", rows=joined)
    _run(_TAGS, first, last, repository="repository.id", digest=_digest("n.i"), name="'latest'", rows=joined)


def fill_crowd(first: int, last: int) -> None:
    each = flood.TAGS_EACH
    _run(_REPOSITORIES, first, last, name=_crowded("n.i"), is_public="n.i % 10 <> 9")
    images = _numbers(first * each, (last + 1) * each - 1)
    joined = f"{images} JOIN access_repository AS repository ON repository.name = {_crowded(f'(n.i / {each})')}"
    _run(_MANIFESTS, first, last, repository="repository.id", digest=_digest("n.i"), subject="''", rows=joined)
    tag = f"'v' || (n.i % {each})"
    _run(_TAGS, first, last, repository="repository.id", digest=_digest("n.i"), name=tag, rows=joined)


def fill_tags(first: int, last: int) -> None:
    repository = str(ensure_repository(HUB_SOURCE_ID, REPOSITORY))
    begin, end = (first - 1) // TAGS_EACH, (last - 1) // TAGS_EACH
    _run(_MANIFESTS, begin, end, repository=repository, digest=_digest("n.i"), subject="''")
    digest = _digest(f"((n.i - 1) / {TAGS_EACH})")
    _run(_TAGS, first, last, repository=repository, digest=digest, name=_padded("t"))


def fill_referrers(first: int, last: int) -> None:
    repository = str(ensure_repository(HUB_SOURCE_ID, REPOSITORY))
    _run(_MANIFESTS, first, last, repository=repository, digest=_digest("n.i"), subject=f"'{SUBJECT}'")


def fill_blobs(first: int, last: int) -> None:
    write_blobs(settings.HUB.storage.driver.rootdirectory, first, last)
    _run(_BLOBS, first, last, digest=_digest("n.i"), size=str(BLOB_BYTES))


def _run(sql: str, first: int, last: int, **parts: str) -> None:
    payload = f"'\\x{PAYLOAD.hex()}'::bytea" if _is_postgres() else f"X'{PAYLOAD.hex()}'"
    constants: dict[str, Any] = {
        "source": HUB_SOURCE_ID,
        "media_type": f"'{OCI_MANIFEST}'",
        "size": len(PAYLOAD),
        "payload": payload,
        "artifact_type": f"'{ARTIFACT_TYPE}'",
        "now": "CURRENT_TIMESTAMP",
        "is_public": "true",
        "numbers": _numbers(first, last),
        "rows": _numbers(first, last),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql.format(**{**constants, **parts}))


def _is_postgres() -> bool:
    return connection.vendor == "postgresql"


def _numbers(first: int, last: int) -> str:
    if _is_postgres():
        return f"generate_series({first}::bigint, {last}::bigint) AS n(i)"
    counting = f"WITH RECURSIVE c(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM c WHERE i < {last}) SELECT i FROM c"
    return f"({counting}) AS n"


def _padded(prefix: str) -> str:
    return f"'{prefix}' || lpad(n.i::text, 7, '0')" if _is_postgres() else f"'{prefix}' || printf('%07d', n.i)"


def _crowded(number: str) -> str:
    """As `flood.repository_name`."""
    return f"'team-' || ({number} % 500) || '/app-' || {number}"


def _digest(number: str) -> str:
    if _is_postgres():
        return f"'sha256:' || lpad(to_hex({number}), 64, '0')"
    return f"'sha256:' || printf('%064x', {number})"


def main(kind: str, first: str, last: str) -> None:
    fillers = {
        "repositories": fill_repositories,
        "crowd": fill_crowd,
        "tags": fill_tags,
        "referrers": fill_referrers,
        "blobs": fill_blobs,
    }
    fillers[kind](int(first), int(last))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


if __name__ == "__main__":
    main(*sys.argv[1:])

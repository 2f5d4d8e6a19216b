"""What the rows say now about what may have changed: a few queries for a whole batch, each pair found by an index."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import connection

from registryhub.access.models import HUB_SOURCE_ID
from registryhub.database.lookups import Row
from registryhub.oci.digests import Digest, parse_digest
from registryhub.registry.tree.changes import Changes

_WANTED = {
    "postgresql": "unnest(%s::text[], %s::text[]) AS wanted(repository, item)",
    "sqlite": "(SELECT json_extract(value, '$[0]') AS repository, json_extract(value, '$[1]') AS item"
    " FROM json_each(%s)) AS wanted",
}
_REPOSITORY = """
    FROM {wanted}
    CROSS JOIN access_repository AS repository
"""
_OF_REPOSITORY = "repository.source_id = %s AND repository.name = wanted.repository"
_LINKED = f"""
    SELECT repository.name, blob.digest
    {_REPOSITORY}
    CROSS JOIN registry_blob AS blob
    CROSS JOIN registry_bloblink AS link
    WHERE {_OF_REPOSITORY} AND blob.digest = wanted.item
    AND link.repository_id = repository.id AND link.blob_id = blob.id
"""
_REFERRED = f"""
    SELECT DISTINCT repository.name, blob.digest
    {_REPOSITORY}
    CROSS JOIN registry_manifest AS manifest
    CROSS JOIN registry_manifestreference AS reference
    CROSS JOIN registry_blob AS blob
    CROSS JOIN registry_bloblink AS link
    WHERE {_OF_REPOSITORY} AND manifest.repository_id = repository.id AND manifest.digest = wanted.item
    AND reference.manifest_id = manifest.id AND blob.digest = reference.digest
    AND link.repository_id = repository.id AND link.blob_id = blob.id
"""
_MANIFESTS = f"""
    SELECT repository.name, manifest.digest
    {_REPOSITORY}
    CROSS JOIN registry_manifest AS manifest
    WHERE {_OF_REPOSITORY} AND manifest.repository_id = repository.id AND manifest.digest = wanted.item
"""
_TAGS = f"""
    SELECT repository.name, tag.name, tag.digest
    {_REPOSITORY}
    CROSS JOIN registry_tag AS tag
    WHERE {_OF_REPOSITORY} AND tag.repository_id = repository.id AND tag.name = wanted.item
"""

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Facts:
    """`linked` and `manifests` are (repository, digest), `tags` are (repository, tag) → digest."""

    linked: set[tuple[str, Digest]]
    manifests: set[tuple[str, Digest]]
    tags: Mapping[Pair, Digest]


def find_facts(changes: Mapping[str, Changes]) -> Facts:
    """A blob that a changed manifest refers to is looked at with it."""
    digests = [(repository, str(digest)) for repository, each in changes.items() for digest in each.digests]
    tags = [(repository, tag) for repository, each in changes.items() for tag in each.tags]
    linked = {*_ask(_LINKED, digests), *_ask(_REFERRED, digests)}
    return Facts(
        linked={(repository, parse_digest(digest)) for repository, digest in linked},
        manifests={(repository, parse_digest(digest)) for repository, digest in _ask(_MANIFESTS, digests)},
        tags={(repository, tag): parse_digest(digest) for repository, tag, digest in _ask(_TAGS, tags)},
    )


def hold_links(links: Iterable[tuple[str, Digest]]) -> set[tuple[str, Digest]]:
    """Those of the links (repository, digest) that are still there, held until the caller's transaction ends."""
    held = " FOR KEY SHARE OF blob, link" if connection.vendor == "postgresql" else ""
    rows = _ask(_LINKED, [(repository, str(digest)) for repository, digest in links], held)
    return {(repository, parse_digest(digest)) for repository, digest in rows}


def _ask(sql: str, pairs: Iterable[Pair], held: str = "") -> list[Row]:
    wanted = list(pairs)
    if not wanted:
        return []
    if connection.vendor == "postgresql":
        parameters: list[list[str] | str] = [list(column) for column in zip(*wanted, strict=True)]
    else:
        parameters = [json.dumps(wanted)]
    with connection.cursor() as cursor:
        cursor.execute(sql.format(wanted=_WANTED[connection.vendor]) + held, [*parameters, HUB_SOURCE_ID])
        return list(cursor.fetchall())

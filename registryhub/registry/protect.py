"""What may be deleted: nothing where deleting is off, and with `hub.delete.protect` nothing that is still needed.

Tags are names: whoever needs a manifest needs it by its digest, so a tag may go, also the last one.
"""

from registryhub.config.model import Config
from registryhub.database.lookups import Lookup
from registryhub.oci.errors import DENIED, UNSUPPORTED, OciError
from registryhub.registry.guards import in_use
from registryhub.registry.rows import Stored

_HOLDER = Lookup(
    "protect_holder",
    """
    SELECT manifest.digest
    FROM registry_manifestreference AS reference
    JOIN registry_manifest AS manifest ON manifest.id = reference.manifest_id
    WHERE reference.repository_id = %s AND reference.digest = %s
    LIMIT 1
    """,
)
_REFERRER = Lookup(
    "protect_referrer",
    """
    SELECT digest
    FROM registry_manifest
    WHERE repository_id = %s AND subject = %s AND NOT (subject = '')
    LIMIT 1
    """,
)


def require_deleting(config: Config) -> None:
    """Raises OciError(UNSUPPORTED), which names the mend, unless the configuration lets things be deleted."""
    if config.storage.maintenance.readonly.enabled:
        raise OciError(UNSUPPORTED, "the registry is only read; set storage.maintenance.readonly.enabled: false")
    if not config.storage.delete.enabled:
        raise OciError(UNSUPPORTED, "deleting is off; set storage.delete.enabled to allow it")


def check_manifest(repository: str, manifest: Stored) -> None:
    """Of a manifest whose row the caller's transaction holds. Raises OciError(DENIED) with who needs it."""
    _check_holder(manifest.repository_id, manifest.digest)
    referrer = _REFERRER.one(manifest.repository_id, manifest.digest)
    if referrer is not None:
        raise _needed(manifest.digest, f"{referrer[0]} is attached to it; delete that first")
    check_use(repository, [manifest.digest])


def check_blob(repository_id: int, digest: str) -> None:
    """Of a blob whose link the caller's transaction has removed. Raises OciError(DENIED) with who needs it."""
    _check_holder(repository_id, digest)


def check_use(repository: str, digests: list[str]) -> None:
    """Raises OciError(DENIED) when one of the digests is needed outside the registry."""
    for digest, reason in in_use(repository, digests).items():
        raise _needed(digest, reason)


def _check_holder(repository_id: int, digest: str) -> None:
    holder = _HOLDER.one(repository_id, digest)
    if holder is not None:
        raise _needed(digest, f"the manifest {holder[0]} refers to it; delete that first")


def _needed(digest: str, reason: str) -> OciError:
    return OciError(DENIED, f"{digest} is still needed: {reason} (hub.delete.protect)")

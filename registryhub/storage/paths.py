"""Where things stand in the storage driver: the tree of CNCF Distribution (reference E.1).

Repository names and digests come in parsed (`registryhub.oci`), ids as UUIDs.
"""

from uuid import UUID

ROOT = "docker/registry/v2"
REPOSITORIES = f"{ROOT}/repositories"
UPLOADS = "_uploads"


def blob_folder(algorithm: str, hex_: str) -> str:
    """The folder of one blob."""
    return f"{ROOT}/blobs/{algorithm}/{hex_[:2]}/{hex_}"


def blob_data(algorithm: str, hex_: str) -> str:
    """The bytes of a blob, shared by all repositories."""
    return f"{blob_folder(algorithm, hex_)}/data"


def repository_folder(repository: str) -> str:
    return f"{REPOSITORIES}/{repository}"


def uploads_folder(repository: str) -> str:
    return f"{REPOSITORIES}/{repository}/{UPLOADS}"


def upload_folder(repository: str, upload_id: UUID) -> str:
    """Everything of one unfinished upload."""
    return f"{uploads_folder(repository)}/{upload_id}"


def upload_data(repository: str, upload_id: UUID) -> str:
    """The bytes so far."""
    return f"{upload_folder(repository, upload_id)}/data"


def upload_started_at(repository: str, upload_id: UUID) -> str:
    """RFC 3339 UTC with a resolution of seconds; by it uploads are purged whose rows are lost."""
    return f"{upload_folder(repository, upload_id)}/startedat"

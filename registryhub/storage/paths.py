"""Where things stand in the storage driver: the tree of CNCF Distribution (reference E.1).

Repository names and digests come in parsed (`registryhub.oci`), ids as UUIDs.
"""

from uuid import UUID

ROOT = "docker/registry/v2"
BLOBS = f"{ROOT}/blobs"
REPOSITORIES = f"{ROOT}/repositories"
LAYERS = "_layers"
MANIFESTS = "_manifests"
UPLOADS = "_uploads"


def doctor_probe(id_: UUID) -> str:
    """What the doctor writes, reads and removes: beside the tree, not in it."""
    return f"doctor-{id_}"


def blob_folder(algorithm: str, hex_: str) -> str:
    """The folder of one blob."""
    return f"{ROOT}/blobs/{algorithm}/{hex_[:2]}/{hex_}"


def blob_data(algorithm: str, hex_: str) -> str:
    """The bytes of a blob, shared by all repositories."""
    return f"{blob_folder(algorithm, hex_)}/data"


def repository_folder(repository: str) -> str:
    return f"{REPOSITORIES}/{repository}"


def layers_folder(repository: str) -> str:
    """The blobs that are visible in the repository: `<algorithm>/<hex>/link`."""
    return f"{REPOSITORIES}/{repository}/{LAYERS}"


def layer_folder(repository: str, algorithm: str, hex_: str) -> str:
    return f"{layers_folder(repository)}/{algorithm}/{hex_}"


def manifests_folder(repository: str) -> str:
    return f"{REPOSITORIES}/{repository}/{MANIFESTS}"


def revisions_folder(repository: str) -> str:
    """The manifests that are visible in the repository: `<algorithm>/<hex>/link`."""
    return f"{manifests_folder(repository)}/revisions"


def revision_folder(repository: str, algorithm: str, hex_: str) -> str:
    return f"{revisions_folder(repository)}/{algorithm}/{hex_}"


def tags_folder(repository: str) -> str:
    return f"{manifests_folder(repository)}/tags"


def tag_folder(repository: str, tag: str) -> str:
    return f"{tags_folder(repository)}/{tag}"


def tag_current(repository: str, tag: str) -> str:
    """The folder whose link says what the tag points at."""
    return f"{tag_folder(repository, tag)}/current"


def tag_index(repository: str, tag: str) -> str:
    """All that the tag ever pointed at: `<algorithm>/<hex>/link`."""
    return f"{tag_folder(repository, tag)}/index"


def tag_index_folder(repository: str, tag: str, algorithm: str, hex_: str) -> str:
    return f"{tag_index(repository, tag)}/{algorithm}/{hex_}"


def link(folder: str) -> str:
    """The file of a layer, a revision or a tag that holds a digest, and nothing else."""
    return f"{folder}/link"


def uploads_folder(repository: str) -> str:
    return f"{REPOSITORIES}/{repository}/{UPLOADS}"


def upload(repository: str, upload_id: UUID) -> str:
    """The bytes of an unfinished upload so far: one file, so that nothing is left to remove when it becomes a blob.

    CNCF Distribution has a folder of that name.
    """
    return f"{uploads_folder(repository)}/{upload_id}"


def upload_started_at(repository: str, upload_id: UUID) -> str:
    """Where CNCF Distribution writes when an upload began: RFC 3339 UTC with a resolution of seconds."""
    return f"{upload(repository, upload_id)}/startedat"

"""Repositories, manifests and tags, with configurations that can be read; layers are rows without bytes."""

import json
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings

from registryhub.access.models import HUB_SOURCE_ID, Repository, Source
from registryhub.oci.digests import digest_of
from registryhub.oci.media_types import OCI_INDEX, OCI_MANIFEST
from registryhub.registry.models import Blob, BlobLink, Manifest, Tag
from registryhub.storage import paths
from registryhub.storage.filesystem import FilesystemDriver
from tests.believable.plan import Plan
from tests.servers.images import CONFIG_TYPE, LAYER_TYPE

_COMMANDS = (
    "ADD rootfs.tar.xz /",
    "RUN apk add --no-cache ca-certificates tzdata",
    "COPY --chown=app:app dist/ /srv/app/",
)
_LABELS = {
    "org.opencontainers.image.licenses": "Apache-2.0",
    "org.opencontainers.image.source": "https://git.example.com/platform/api",
}


def fill_repository(plan: Plan, now: datetime) -> tuple[Repository, dict[str, str]]:
    """The repository and the digest of each tag; those of other registries have none here."""
    key = Source.objects.get_or_create(name=plan.source)[0].pk if plan.source else HUB_SOURCE_ID
    repository = Repository.objects.create(
        source_id=key, name=plan.name, is_public=plan.is_public, created_at=now - timedelta(days=400)
    )
    if plan.source:
        return repository, {}
    digests: dict[str, str] = {}
    built: dict[int, str] = {}  # tags that were pushed together are one image
    for number, tag in enumerate(plan.tags):
        moment = plan.ages[number % len(plan.ages)]
        if moment not in built:
            built[moment] = _put_image(repository, plan, tag)
        digests[tag] = built[moment]
        _point(repository, tag, digests[tag], plan.moved_at(number, now))
    return repository, digests


def _point(repository: Repository, name: str, digest: str, moved_at: datetime) -> None:
    manifest = Manifest.objects.get(repository=repository, digest=digest)
    repeated = {"digest": digest, "media_type": manifest.media_type, "size": manifest.size}
    Tag.objects.create(
        repository=repository, name=name, manifest=manifest, moved_at=moved_at, created_at=moved_at, **repeated
    )


def _put_image(repository: Repository, plan: Plan, tag: str) -> str:
    children = [_put_variant(repository, plan, tag, platform) for platform in plan.platforms]
    if len(children) == 1:
        return str(children[0]["digest"])
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}
    return str(_put_manifest(repository, document, OCI_INDEX)["digest"])


def _put_variant(repository: Repository, plan: Plan, tag: str, platform: str) -> dict[str, Any]:
    system, architecture, *variant = platform.split("/")
    named = {"os": system, "architecture": architecture} | ({"variant": variant[0]} if variant else {})
    config = {
        **named,
        "created": "2026-11-24T09:12:44Z",
        "config": {
            "User": "app",
            "ExposedPorts": {"8080/tcp": {}},
            "WorkingDir": "/srv/app",
            "Entrypoint": ["/usr/bin/tini", "--"],
            "Cmd": ["/srv/app/serve", "--port", "8080"],
            "Labels": _LABELS | {"org.opencontainers.image.version": tag},
        },
        "history": [{"created_by": command} for command in _COMMANDS[: len(plan.layers)]],
    }
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _put_config(repository, config),
        "layers": [
            _link(repository, LAYER_TYPE, sha256(f"{plan.name}{tag if at else ''}{platform}{at}".encode()), size)
            for at, size in enumerate(plan.layers)
        ],
    }
    return _put_manifest(repository, document, OCI_MANIFEST) | {"platform": named}


def _put_config(repository: Repository, config: dict[str, Any]) -> dict[str, Any]:
    content = json.dumps(config).encode()
    digest = digest_of(content)
    driver = FilesystemDriver(settings.HUB.storage.driver.rootdirectory)
    driver.write(paths.blob_data(digest.algorithm, digest.hex), content)
    return _link(repository, CONFIG_TYPE, sha256(content), len(content))


def _link(repository: Repository, media_type: str, hashed: Any, size: int) -> dict[str, Any]:
    digest = f"sha256:{hashed.hexdigest()}"
    blob, _ = Blob.objects.get_or_create(digest=digest, defaults={"size": size})
    BlobLink.objects.get_or_create(repository=repository, blob=blob)
    return {"mediaType": media_type, "digest": digest, "size": size}


def _put_manifest(repository: Repository, document: dict[str, Any], media_type: str) -> dict[str, Any]:
    content = json.dumps(document).encode()
    digest = str(digest_of(content))
    Manifest.objects.get_or_create(
        repository=repository,
        digest=digest,
        defaults={"media_type": media_type, "size": len(content), "payload": content},
    )
    return {"mediaType": media_type, "digest": digest, "size": len(content)}

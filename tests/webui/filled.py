"""Rows for the tests of the pages, made at once and without the wire."""

from datetime import datetime, timedelta

from django.utils import timezone

from notifications.log.models import Event
from registryhub.access.models import HUB_SOURCE_ID, Repository, Source
from registryhub.oci.digests import digest_of
from registryhub.registry.models import Blob, BlobLink, Manifest, Tag
from tests.registry.stage import CONFIG_TYPE, LAYER_TYPE, dump
from tests.webui.numbers import Tally

IMAGE_TYPE = "application/vnd.oci.image.manifest.v1+json"


def make_repository(name: str, *, is_public: bool = True, source: str = "") -> Repository:
    """Of the hub, or of another source, which is made when it is new."""
    key = Source.objects.get_or_create(name=source)[0].pk if source else HUB_SOURCE_ID
    return Repository.objects.create(source_id=key, name=name, is_public=is_public)


def count(
    repository: Repository, *, pulls: int, at: datetime | None = None, tag: str = "", now: datetime | None = None
) -> None:
    """Pulls, one check and one push in the hour of the moment; `now` is when windows begin, if none has begun."""
    tally = Tally(now)
    tally.count(repository, at or timezone.now(), tag, pull_tag=pulls, version_check=1, push=1)
    tally.write()


def store_image(repository: Repository, text: str, *tags: str, moved_at: datetime | None = None) -> str:
    """A manifest with linked blobs that nobody can read, and tags on it; its digest."""
    descriptors = [_link(repository, kind, f"{text} {kind}") for kind in (CONFIG_TYPE, LAYER_TYPE)]
    content = dump({"schemaVersion": 2, "mediaType": IMAGE_TYPE, "config": descriptors[0], "layers": descriptors[1:]})
    digest = str(digest_of(content))
    manifest, _ = Manifest.objects.get_or_create(
        repository=repository,
        digest=digest,
        defaults={"media_type": IMAGE_TYPE, "size": len(content), "payload": content},
    )
    Tag.objects.bulk_create(
        Tag(
            repository=repository,
            name=tag,
            manifest=manifest,
            digest=digest,
            media_type=IMAGE_TYPE,
            size=len(content),
            moved_at=moved_at or timezone.now(),
        )
        for tag in tags
    )
    return digest


def log_push(
    repository: Repository, tag: str, *, digest: str = "", actor: str = "a-robot", action: str = "push"
) -> None:
    """The next event of the log, three hours ago."""
    now = timezone.now()
    seq = Event.objects.count() + 1
    Event.objects.create(
        seq=seq,
        source_id=repository.source_id,
        event_id=str(seq),
        occurred_at=now - timedelta(hours=3),
        received_at=now,
        action=action,
        repository=repository.name,
        tag=tag,
        digest=digest,
        actor=actor,
        raw="{}",
    )


def _link(repository: Repository, media_type: str, text: str) -> dict[str, object]:
    content = text.encode()
    digest = str(digest_of(content))
    blob, _ = Blob.objects.get_or_create(digest=digest, defaults={"size": len(content)})
    BlobLink.objects.get_or_create(repository=repository, blob=blob)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}

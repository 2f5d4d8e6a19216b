"""Says what happened: each verb composes the event of reference C.2 and hands it to the log.

What changes the registry (push, mount, delete) is stored on the caller's transaction, so that a change and its event
commit together; call it last, when the tag is readable. What only reads (pull, check) goes to this process's journal
before the response leaves. A pull costs about 5 µs: the constant part of a manifest's event is encoded once (`Target`).
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from django.conf import settings

from notifications import events, facts
from notifications.facts import Facts
from notifications.log import intake
from notifications.log.journal import local_journal
from notifications.log.speaker import source
from registryhub.access.models import HUB_SOURCE_ID

BLOB_MEDIA_TYPE = "application/octet-stream"


class RequestContext(NamedTuple):
    """Who asked, and how. `address` is the peer's `ip:port`; `base_url` is where generated URLs begin, up to `v2/`."""

    request_id: str
    address: str
    host: str
    method: str
    user_agent: str
    actor: str
    base_url: str


@dataclass(frozen=True, slots=True)
class Target:
    """What was read: the part of an event that is the same for every reader, encoded once.

    `facts` end the journal's line: a tab and what is known besides, or nothing. The JSON before it has no raw tab.
    """

    head: bytes
    path: bytes
    tail: bytes
    facts: bytes = b""


def manifest_target(
    repository: str, manifest: events.Reference, *, references: tuple[events.Reference, ...], known: Facts
) -> Target:
    """The target of a manifest's pulls; `references` appear only with `notifications.events.includereferences`."""
    tail = b"}"
    if references and includes_references():
        listed = [{"mediaType": item.media_type, "digest": item.digest, "size": item.size} for item in references]
        tail = b',"references":%b}' % orjson.dumps(listed)
    return Target(
        head=_target_head(repository, manifest),
        path=f'v2/{repository}/manifests/{manifest.digest}"'.encode(),
        tail=tail,
        facts=b"\t%b" % facts.encode(known) if known != facts.NOTHING else b"",
    )


def includes_references() -> bool:
    """Whether events of manifests list what these refer to (`notifications.events.includereferences`)."""
    return bool(settings.HUB.notifications.events.includereferences)


def blob_pushed(context: RequestContext, repository: str, digest: str, size: int) -> None:
    """An upload was finished, also when the blob was there already."""
    _store(_blob_event(context, "push", repository, digest, size))


def blob_mounted(context: RequestContext, repository: str, digest: str, size: int, from_repository: str) -> None:
    """A blob of another repository was linked."""
    _store(_blob_event(context, "mount", repository, digest, size, from_repository))


def blob_deleted(context: RequestContext, repository: str, digest: str) -> None:
    """The blob was removed from the repository."""
    _store(_event(context, "delete", repository, digest=digest))


def blob_pulled(context: RequestContext, repository: str, digest: str, size: int) -> None:
    """A GET is about to be answered with 200, 206 or a redirect. Raises JournalUnavailable.

    The log has them all; `hub.events.blob_pulls` decides whether endpoints are told.
    """
    _append(context, b"pull", _blob_target(repository, digest, size))


def blob_checked(context: RequestContext, repository: str, digest: str, size: int) -> None:
    """A HEAD is about to be answered with 200, or a GET with 304. Raises JournalUnavailable."""
    _append(context, b"check", _blob_target(repository, digest, size))


def manifest_pushed(
    context: RequestContext,
    repository: str,
    manifest: events.Reference,
    *,
    tag: str,
    references: tuple[events.Reference, ...],
    known: Facts = facts.NOTHING,
) -> None:
    """A manifest was put; `tag` is empty when it was put by digest. `known` is what the wire does not say."""
    event = _event(
        context,
        "push",
        repository,
        digest=manifest.digest,
        media_type=manifest.media_type,
        size=manifest.size,
        url=f"{context.base_url}v2/{repository}/manifests/{manifest.digest}",
        tag=tag,
        references=references if includes_references() else (),
    )
    _store(event, known)


def manifest_deleted(context: RequestContext, repository: str, digest: str) -> None:
    """The manifest was removed from the repository."""
    _store(_event(context, "delete", repository, digest=digest))


def tag_deleted(context: RequestContext, repository: str, tag: str) -> None:
    """The tag was removed; what it pointed at stays."""
    _store(_event(context, "delete", repository, tag=tag))


def repository_deleted(context: RequestContext, repository: str) -> None:
    """Everything in the repository was removed, each tag and manifest with an event before this one."""
    _store(_event(context, "delete", repository))


def manifest_pulled(context: RequestContext, target: Target, tag: str) -> None:
    """A GET is about to be answered with 200. Raises JournalUnavailable."""
    _append(context, b"pull", target, tag)


def manifest_checked(context: RequestContext, target: Target, tag: str) -> None:
    """A HEAD is about to be answered with 200, or a GET with 304. Raises JournalUnavailable."""
    _append(context, b"check", target, tag)


def _event(context: RequestContext, action: events.Action, repository: str, **target: Any) -> events.Event:
    address, instance_id = source()
    return events.Event(
        id=events.new_id(),
        timestamp=datetime.now(UTC),
        action=action,
        repository=repository,
        request_id=context.request_id,
        address=context.address,
        host=context.host,
        method=context.method,
        user_agent=context.user_agent,
        actor=context.actor,
        source_address=address,
        instance_id=instance_id,
        **target,
    )


def _blob_event(
    context: RequestContext, action: events.Action, repository: str, digest: str, size: int, from_repository: str = ""
) -> events.Event:
    return _event(
        context,
        action,
        repository,
        digest=digest,
        media_type=BLOB_MEDIA_TYPE,
        size=size,
        url=f"{context.base_url}v2/{repository}/blobs/{digest}",
        from_repository=from_repository,
    )


def _store(event: events.Event, known: Facts = facts.NOTHING) -> None:
    raw = events.encode(event)
    if known != facts.NOTHING:
        raw = b"%b\n%b" % (raw, facts.encode(known))
    intake.store(source_id=HUB_SOURCE_ID, kind="event", raw=raw)


def _blob_target(repository: str, digest: str, size: int) -> Target:
    path = f'v2/{repository}/blobs/{digest}"'.encode()
    return Target(_target_head(repository, events.Reference(BLOB_MEDIA_TYPE, digest, size)), path, b"}")


def _target_head(repository: str, item: events.Reference) -> bytes:
    target: dict[str, Any] = {"mediaType": item.media_type, "digest": item.digest, "size": item.size}
    if item.size:
        target["length"] = item.size
    target["repository"] = repository
    return orjson.dumps(target)[:-1]


def _append(context: RequestContext, action: bytes, target: Target, tag: str = "") -> None:
    local_journal().append(_line(context, action, target, tag))


def _line(context: RequestContext, action: bytes, target: Target, tag: str) -> bytes:
    """The same document as `events.encode`, put together from parts, and the facts behind it.

    The tests hold the two together.
    """
    return b'{"id":"%b","timestamp":"%b","action":"%b","target":%b,"url":%b%b%b%b,"request":{"id":"%b"%b%b' % (
        events.new_id().encode(),
        _timestamp(),
        action,
        target.head,
        orjson.dumps(context.base_url)[:-1],
        target.path,
        b',"tag":"%b"' % tag.encode() if tag else b"",
        target.tail,
        context.request_id.encode(),
        _from_client(context.address, context.host, context.method, context.user_agent, context.actor),
        target.facts,
    )


@lru_cache(maxsize=1024)
def _from_client(address: str, host: str, method: str, user_agent: str, actor: str) -> bytes:
    """The end of an event, after the id of its request. Whoever asks once often asks again."""
    request = {"addr": address} if address else {}
    if host:
        request["host"] = host
    request |= {"method": method, "useragent": user_agent}
    speaker, instance_id = source()
    return b',%b,"actor":%b,"source":%b}' % (
        orjson.dumps(request)[1:],
        b'{"name":%b}' % orjson.dumps(actor) if actor else b"{}",
        orjson.dumps({"addr": speaker, "instanceID": instance_id}),
    )


def _timestamp() -> bytes:
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return b"%b.%06dZ" % (_second(seconds), nanoseconds // 1000)


@lru_cache(maxsize=2)
def _second(seconds: int) -> bytes:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()

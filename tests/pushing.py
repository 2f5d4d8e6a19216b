"""Pushing and pulling over a bare wire, in the steps docker takes: POST, PATCH, PUT for a blob, PUT for a manifest."""

from collections.abc import Mapping
from typing import BinaryIO
from urllib.parse import urlsplit

from tests.servers.images import Blob, Image
from tests.wire import Reply, Wire

OCTETS = {"Content-Type": "application/octet-stream"}


class RefusedError(AssertionError):
    """A registry answered with another status than a push or pull expects."""


def expect(reply: Reply, status: int, what: str) -> Reply:
    """The reply, or RefusedError that quotes it."""
    if reply.status != status:
        raise RefusedError(f"{what}: {reply.status}, not {status}: {reply.body[:500]!r}")
    return reply


def start_upload(wire: Wire, repository: str, headers: Mapping[str, str] | None = None) -> str:
    """Open an upload and return where to send bytes."""
    reply = wire.request("POST", f"/v2/{repository}/blobs/uploads/", headers=headers)
    return target_of(expect(reply, 202, "start of an upload"))


def push_blob(wire: Wire, repository: str, blob: Blob, headers: Mapping[str, str] | None = None) -> None:
    """Raises RefusedError, and WireError for a broken connection."""
    target = start_upload(wire, repository, headers)
    reply = expect(
        wire.request("PATCH", target, headers={**OCTETS, **(headers or {})}, body=blob.content), 202, "PATCH"
    )
    expect(wire.request("PUT", with_digest(target_of(reply), blob.digest), headers=headers), 201, "closing PUT")


def push_file(wire: Wire, repository: str, file: BinaryIO, size: int, digest: str) -> None:
    """The same for a blob too large for memory."""
    reply = wire.send_file("PATCH", start_upload(wire, repository), file, size, OCTETS)
    expect(reply, 202, "PATCH")
    expect(wire.request("PUT", with_digest(target_of(reply), digest)), 201, "closing PUT")


def push_manifest(
    wire: Wire, repository: str, reference: str, manifest: Blob, headers: Mapping[str, str] | None = None
) -> None:
    """Raises RefusedError, and WireError for a broken connection."""
    reply = wire.request(
        "PUT",
        f"/v2/{repository}/manifests/{reference}",
        headers={"Content-Type": manifest.media_type, **(headers or {})},
        body=manifest.content,
    )
    expect(reply, 201, "PUT of a manifest")


def push_image(wire: Wire, repository: str, tag: str, image: Image) -> None:
    """Config, layers and manifest, one after the other."""
    for blob in image.blobs:
        push_blob(wire, repository, blob)
    push_manifest(wire, repository, tag, image.manifest)


def target_of(reply: Reply) -> str:
    """Where an upload goes on."""
    parts = urlsplit(reply.headers["location"])
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def with_digest(target: str, digest: str) -> str:
    """Where it ends."""
    return f"{target}{'&' if '?' in target else '?'}digest={digest}"

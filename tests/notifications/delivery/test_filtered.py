"""From a push on the wire to a receiver: the endpoint gets what its filter says, of facts that were found out then."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from notifications.log.models import Event
from tests.notifications.delivery.stage import configure, configured, relay, start_at
from tests.notifications.log.making import sequence_all
from tests.servers.images import Blob, Image, make_image, make_index
from tests.servers.webhook_receiver import WebhookReceiver
from tests.v2.plane import Plane, make_plane

pytestmark = pytest.mark.django_db(transaction=True)

ARM = ("linux", "arm64")
NAME = "team/app"


def put(plane: Plane, path: str, blob: Blob) -> None:
    answer = plane.request("PUT", path, headers={"Content-Type": blob.media_type}, body=blob.content)
    assert answer.status == 201, answer.body


def push(plane: Plane, tag: str, image: Image, repository: str = NAME) -> None:
    """As a client does: blobs first, then the manifest."""
    for blob in image.blobs:
        location = plane.request("POST", f"/v2/{repository}/blobs/uploads/").headers["location"]
        path = location.partition("hub.example.org:5000")[2]
        put(plane, f"{path}{'&' if '?' in path else '?'}digest={blob.digest}", blob)
    put(plane, f"/v2/{repository}/manifests/{tag}", image.manifest)


def received(settings: Settings, **chosen: Any) -> list[str]:
    """The `repository:tag` of what an endpoint with this filter gets of the whole log, in order."""
    sequence_all()
    with WebhookReceiver() as receiver:
        configure(settings, configured("a", receiver.url, filter=chosen))
        start_at(0, "a")
        with relay() as running:
            running.wait_for("a", Event.objects.count())
    assert all("facts" not in event and "facts" not in event["target"] for event in receiver.events())
    targets = [event["target"] for event in receiver.events()]
    return [f"{target['repository']}:{target.get('tag', '')}" for target in targets]


def test_an_endpoint_gets_what_its_filter_says(settings: Settings, tmp_path: Path) -> None:
    """By repository, version, platform, and what became of the tag; the blobs of the images are told of to others."""
    plane = make_plane(tmp_path)
    first, second = make_image("one", layers=1, platform=ARM), make_image("two", layers=1)
    push(plane, "1.4.0", first)
    push(plane, "1.4.1", second)
    push(plane, "1.5.0-rc.1", first)
    push(plane, "1.4.1", first)
    push(plane, "1.4.1", first)
    push(plane, "1.4.0", first, repository="lib/img")
    several = make_index("three", layers=1)
    for image in several.images:
        push(plane, f"sha256:{hashlib.sha256(image.manifest.content).hexdigest()}", image)
    put(plane, f"/v2/{NAME}/manifests/1.6.0", several.index)
    assert received(settings, repositories=["team/**"], versions=["^1.4"], platforms=["linux/arm64"]) == [
        "team/app:1.4.0",
        "team/app:1.4.1",
        "team/app:1.4.1",
        "team/app:1.6.0",
    ]
    assert received(settings, tagged=["moved"]) == ["team/app:1.4.1"]
    assert received(settings, tagged=["new"], tags=["!*-rc.*"], platforms=["linux/amd64"]) == [
        "team/app:1.4.1",
        "team/app:1.6.0",
    ]
    assert received(settings, repositories=["lib/*"], mediatypes=["application/vnd.oci.image.manifest.*"]) == [
        "lib/img:1.4.0"
    ]

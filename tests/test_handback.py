"""A folder goes from docker-registry to the hub and back: everything pulls on both sides, byte for byte."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.pushing import expect, push_blob, push_image, push_manifest
from tests.registry.tree.trees import files
from tests.servers.databases import ROOT, Databases
from tests.servers.docker_registry import DockerRegistry
from tests.servers.hub import CommandError, Hub
from tests.servers.images import INDEX_TYPE, MANIFEST_TYPE, Blob, Image, Index, make_image, make_index
from tests.servers.run import new_folder
from tests.wire import Wire

REPOSITORIES = 500
_CLIENTS = 4
_ACCEPT = {"Accept": f"{MANIFEST_TYPE}, {INDEX_TYPE}"}
_TREE = "docker/registry/v2"


@dataclass
class Shelf:
    """What a registry must have: what each reference is, which blobs are in a repository, what is no more."""

    manifests: dict[tuple[str, str], Blob] = field(default_factory=dict)
    blobs: set[tuple[str, Blob]] = field(default_factory=set)
    gone: set[tuple[str, str]] = field(default_factory=set)

    def add(self, repository: str, tag: str, made: Image | Index) -> None:
        images = made.images if isinstance(made, Index) else (made,)
        top = made.index if isinstance(made, Index) else made.manifest
        self.manifests[repository, tag] = top
        for manifest in (top, *(image.manifest for image in images)):
            self.manifests[repository, manifest.digest] = manifest
        self.blobs |= {(repository, blob) for image in images for blob in image.blobs}

    def forget(self, repository: str, reference: str) -> None:
        """A tag; or a digest, with all tags that point at it."""
        gone = [
            key
            for key, manifest in self.manifests.items()
            if key == (repository, reference) or (key[0], manifest.digest) == (repository, reference)
        ]
        for key in gone:
            del self.manifests[key]
        self.gone.update(gone)

    def check(self, wire: Wire) -> None:
        """Pull everything. Raises AssertionError."""
        for (repository, reference), manifest in self.manifests.items():
            reply = wire.request("GET", f"/v2/{repository}/manifests/{reference}", headers=_ACCEPT)
            assert (reply.status, reply.body) == (200, manifest.content), f"{repository} {reference}"
            assert reply.headers["content-type"] == manifest.media_type
        for repository, blob in self.blobs:
            reply = wire.request("GET", f"/v2/{repository}/blobs/{blob.digest}")
            assert (reply.status, reply.body) == (200, blob.content), f"{repository} {blob.digest}"
        for repository, reference in self.gone:
            assert wire.request("GET", f"/v2/{repository}/manifests/{reference}", headers=_ACCEPT).status == 404


class Pusher:
    """Does to a registry what it notes down on a shelf."""

    def __init__(self, wire: Wire, shelf: Shelf) -> None:
        self._wire = wire
        self._shelf = shelf

    def push(self, repository: str, tag: str, made: Image | Index) -> None:
        if isinstance(made, Index):
            for image in made.images:
                push_image(self._wire, repository, image.manifest.digest, image)
            push_manifest(self._wire, repository, tag, made.index)
        else:
            push_image(self._wire, repository, tag, made)
        self._shelf.add(repository, tag, made)

    def tag(self, repository: str, tag: str, made: Image) -> None:
        """Another name for an image that is there."""
        push_manifest(self._wire, repository, tag, made.manifest)
        self._shelf.add(repository, tag, made)

    def mount(self, repository: str, blob: Blob, source: str) -> None:
        target = f"/v2/{repository}/blobs/uploads/?mount={blob.digest}&from={source}"
        expect(self._wire.request("POST", target), 201, "mount")
        self._shelf.blobs.add((repository, blob))

    def delete(self, repository: str, reference: str) -> None:
        expect(self._wire.request("DELETE", f"/v2/{repository}/manifests/{reference}"), 202, "delete")
        self._shelf.forget(repository, reference)


def push_some(pusher: Pusher) -> None:
    """One of everything that both registries know."""
    images = [make_image(f"some {number}", layers=2) for number in range(4)]
    pusher.push("team/app", "1", images[0])
    pusher.push("team/app", "latest", images[0])
    pusher.push("team/app", "2", images[1])
    pusher.tag("team/app", "latest", images[1])
    pusher.push("team/app/nested", "1", images[2])
    pusher.push("team/multi", "latest", make_index("multi"))
    pusher.push("team/app", "source", images[3])
    for blob in images[3].blobs:
        pusher.mount("mounted", blob, "team/app")
    pusher.tag("mounted", "1", images[3])
    pusher.push("team/app", "gone", make_image("gone"))


def attach(wire: Wire, repository: str, subject: Blob) -> Blob:
    """Push something that refers to an image; its manifest."""
    image = make_image("attached", layers=1)
    for blob in image.blobs:
        push_blob(wire, repository, blob)
    document = {**json.loads(image.manifest.content), "subject": subject.descriptor()}
    manifest = Blob(MANIFEST_TYPE, json.dumps(document).encode())
    push_manifest(wire, repository, manifest.digest, manifest)
    return manifest


@pytest.fixture
def registry() -> DockerRegistry:
    return DockerRegistry(new_folder("docker-registry"))


def hub_on(root: Path, databases: Databases) -> Hub:
    """A hub that is not started yet, on a folder that may be somebody else's."""
    hub = Hub(new_folder("hub"), databases, config={"storage": {"filesystem": {"rootdirectory": str(root)}}})
    hub.prepare()
    return hub


def import_storage(hub: Hub) -> str:
    return hub.command("import_storage", "--migrate")


def fill(port: int, shelf: Shelf) -> None:
    """Many repositories with an image each, some with more tags, an index or a tag that has moved; several at once."""

    def fill_some(first: int) -> Shelf:
        mine = Shelf()
        with Wire(port) as wire:
            pusher = Pusher(wire, mine)
            for number in range(first, REPOSITORIES, _CLIENTS):
                _fill_one(pusher, f"team-{number % 7}/app-{number}", number)
        return mine

    with ThreadPoolExecutor(_CLIENTS) as pool:
        for each in pool.map(fill_some, range(_CLIENTS)):
            shelf.manifests |= each.manifests
            shelf.blobs |= each.blobs


def _fill_one(pusher: Pusher, repository: str, number: int) -> None:
    image = make_image(repository, layers=1, layer_bytes=200)
    pusher.push(repository, "latest", image)
    if number % 5 == 0:
        pusher.tag(repository, "1.0", image)
        pusher.push(repository, "latest", make_image(f"{repository} again", layers=1, layer_bytes=200))
    if number % 25 == 0:
        pusher.push(f"{repository}/multi", "latest", make_index(repository, layers=1))


def kill_an_import(hub: Hub) -> None:
    """With `kill -9`, once it has told how far it is, if it takes that long."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "import_storage", "--migrate"],
        cwd=ROOT,
        env={**hub.environment(), "REGISTRYHUB_CONFIG": str(hub.config_file)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    process.stdout.close()


def change(pusher: Pusher, shelf: Shelf) -> None:
    """What a hub is used for: new images, a tag that moves, tags and manifests that are deleted."""
    push_some(pusher)
    pusher.delete("team/app", "gone")
    old = [repository for repository, reference in shelf.manifests if reference == "1.0"]
    moved, untagged, emptied = old[:3]
    pusher.push(moved, "1.0", make_image("moved"))
    pusher.delete(untagged, "1.0")
    pusher.delete(emptied, shelf.manifests[emptied, "1.0"].digest)


@pytest.mark.peer("docker-registry")
def test_five_hundred_repositories_go_to_the_hub_and_back(registry: DockerRegistry, databases: Databases) -> None:
    """In place, through an import that is killed; what the hub has changed meanwhile docker-registry has too."""
    shelf = Shelf()
    with registry:
        fill(registry.port, shelf)
    blobs = files(registry.folder / "data", below=f"{_TREE}/blobs")
    hub = hub_on(registry.folder / "data", databases)
    kill_an_import(hub)
    printed = import_storage(hub)
    assert f"{REPOSITORIES + REPOSITORIES // 25} repositories" in printed
    assert "skipped" not in printed
    with hub:
        with pytest.raises(CommandError, match="already serves"):
            import_storage(hub)
        with hub.wire() as wire:
            shelf.check(wire)
            change(Pusher(wire, shelf), shelf)
            shelf.check(wire)
    assert "the tree says what the database says" in hub.command("export_storage")
    with registry, Wire(registry.port) as wire:
        shelf.check(wire)
    kept = files(registry.folder / "data", below=f"{_TREE}/blobs")
    assert {name: content for name, content in kept.items() if name in blobs} == blobs


@pytest.mark.peer("docker-registry")
def test_the_hub_writes_the_tree_that_docker_registry_writes(registry: DockerRegistry, databases: Databases) -> None:
    """For the same requests the same files with the same content, once the log has been read."""
    gone = make_image("gone").manifest.digest
    with registry, Wire(registry.port) as wire:
        push_some(pusher := Pusher(wire, Shelf()))
        pusher.delete("team/app", gone)
    theirs = files(registry.folder / "data", below=_TREE)
    hub = hub_on(new_folder("tree"), databases)
    with hub, hub.wire() as wire:
        push_some(pusher := Pusher(wire, Shelf()))
        hub.wait_until_drained()  # the bytes of what is deleted at once are never written
        pusher.delete("team/app", gone)
        hub.wait_until_drained()
        ours = files(hub.blob_folder, below=_TREE)
    assert sorted(ours) == sorted(theirs)
    assert ours == theirs


def test_the_database_is_rebuilt_from_the_folder(new_databases: Callable[[], Databases]) -> None:
    """A hub whose database and keys are lost has everything again, what is attached to images too."""
    shelf = Shelf()
    with hub_on(new_folder("tree"), new_databases()) as hub, hub.wire() as wire:
        pusher = Pusher(wire, shelf)
        push_some(pusher)
        subject = shelf.manifests["team/app", "1"]
        attached = attach(wire, "team/app", subject)
        hub.wait_until_drained()
    again = hub_on(hub.blob_folder, new_databases())
    import_storage(again)
    with again, again.wire() as wire:
        shelf.check(wire)
        reply = wire.request("GET", f"/v2/team/app/referrers/{subject.digest}")
        assert [each["digest"] for each in reply.json()["manifests"]] == [attached.digest]
        again.wait_until_drained()
        assert {event["action"] for event in again.events()} == {"pull"}

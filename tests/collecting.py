"""A collection in a loop beside clients that push, mount, overwrite and delete: what was answered must pull whole.

The clients do what docker does: ask for a blob (HEAD), try to mount it, upload it, and push the manifest last. One that
is told that something is missing begins again, as a person would.
"""

import hashlib
import itertools
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.pushing import OCTETS, target_of, with_digest
from tests.servers.databases import Databases
from tests.servers.hub import CommandError, Hub
from tests.servers.images import MANIFEST_TYPE, Blob, Image, make_image
from tests.servers.run import new_folder
from tests.wire import Reply, Wire

CLIENTS = 6
REPOSITORIES = 4
TAGS = 3
SHARED_LAYERS = 24
GRACE = "1s"
_TRIES = 20
_AGAIN = {404: "BLOB_UPLOAD_UNKNOWN", 400: "MANIFEST_BLOB_UNKNOWN", 503: "UNAVAILABLE"}

Place = tuple[str, str]


class Refused(AssertionError):
    """An answer that no push or pull should get."""


class Client(threading.Thread):
    """Pushes images that share layers with those of others. `images` are those that must be there, by name and tag."""

    def __init__(self, number: int, port: int, stop: threading.Event) -> None:
        super().__init__(name=f"client {number}")
        self.images: dict[Place, Image] = {}
        self.did: Counter[str] = Counter()
        self.error: Exception | None = None
        self._number = number
        self._wire = Wire(port, timeout_seconds=60)
        self._random = random.Random(number)
        self._stop_event = stop

    def run(self) -> None:
        try:
            for number in range(REPOSITORIES):  # a repository in which nothing has a tag is left alone
                self._push((f"load/app-{self._number}-{number}", "base"), self._image(f"{self._number} base {number}"))
            for count in itertools.count():
                if self._stop_event.is_set():
                    return
                self._act(count)
        except Exception as error:
            self.error = error
        finally:
            self._wire.close()

    def _act(self, count: int) -> None:
        place = self._repository(self._number), f"t{self._random.randrange(TAGS)}"
        kind = self._random.choice(("push", "push", "push", "delete", "leave", "pull"))
        if kind == "push":
            self._push(place, self._image(f"{self._number}-{count}"))
        elif kind == "delete" and place in self.images:
            self._delete_image(place)
        elif kind == "leave":
            self._push_blob(place[0], Blob("", b"left behind %d %d" % (self._number, count)))
        elif kind == "pull" and place in self.images:
            pull_whole(self._wire, place, self.images[place])
        else:
            return
        self.did[kind] += 1

    def _repository(self, number: int) -> str:
        """Nobody else pushes tags into it."""
        return f"load/app-{number}-{self._random.randrange(REPOSITORIES)}"

    def _image(self, text: str) -> Image:
        """One layer of its own, and two of those that come and go with everybody's images."""
        numbers = self._random.sample(range(SHARED_LAYERS), 2)
        return _with_layers(
            make_image(text, layers=1), [make_image(f"shared {number}", layers=1).layers[0] for number in numbers]
        )

    def _push(self, place: Place, image: Image) -> None:
        self.images.pop(place, None)  # until it is answered nobody knows which one is there
        repository, tag = place
        for _ in range(_TRIES):
            for blob in image.blobs:
                self._push_blob(repository, blob)
            headers = {"Content-Type": MANIFEST_TYPE}
            path = f"/v2/{repository}/manifests/{tag}"
            reply = self._wire.request("PUT", path, headers=headers, body=image.manifest.content)
            if self._is_done(reply, 201):
                self.images[place] = image
                return
        raise Refused(f"{repository}:{tag} could not be pushed {_TRIES} times: {reply.body!r}")

    def _push_blob(self, repository: str, blob: Blob) -> None:
        for _ in range(_TRIES):
            head = self._wire.request("HEAD", f"/v2/{repository}/blobs/{blob.digest}")
            if head.status == 200:
                self.did["there already"] += 1
                return
            source = self._repository(self._random.randrange(CLIENTS))
            query = f"mount={blob.digest}&from={source}"
            begun = self._wire.request("POST", f"/v2/{repository}/blobs/uploads/?{query}")
            if begun.status == 201:
                self.did["mount"] += 1
                return
            if begun.status == 202 and self._upload(begun, blob):
                self.did["upload"] += 1
                return
            self._is_done(begun, 202)
        raise Refused(f"{blob.digest} could not be pushed {_TRIES} times")

    def _upload(self, begun: Reply, blob: Blob) -> bool:
        patched = self._wire.request("PATCH", target_of(begun), headers=OCTETS, body=blob.content)
        if not self._is_done(patched, 202):
            return False
        return self._is_done(self._wire.request("PUT", with_digest(target_of(patched), blob.digest)), 201)

    def _delete_image(self, place: Place) -> None:
        """By digest: every tag of that image goes, of which there is one."""
        image = self.images.pop(place)
        reply = self._wire.request("DELETE", f"/v2/{place[0]}/manifests/{image.manifest.digest}")
        if reply.status != 202:
            raise Refused(f"DELETE: {reply.status} {reply.body!r}")

    def _is_done(self, reply: Reply, status: int) -> bool:
        """False when it is to be tried again, since a collection was faster. Raises Refused."""
        if reply.status == status:
            return True
        code = reply.json()["errors"][0]["code"] if reply.body else ""
        if _AGAIN.get(reply.status) != code:
            raise Refused(f"{reply.status}, not {status}: {reply.body!r}")
        self.did[f"again: {code}"] += 1
        return False


class Commands(threading.Thread):
    """The command of the reference in a loop, beside the schedule of the worker."""

    def __init__(self, hub: Hub, stop: threading.Event) -> None:
        super().__init__(name="garbage_collect")
        self.runs = 0
        self.error: CommandError | None = None
        self._hub = hub
        self._stop_event = stop

    def run(self) -> None:
        try:
            while not self._stop_event.wait(2.0):
                self._hub.command("garbage_collect", "--delete-untagged", "--grace", GRACE, "--quiet")
                self.runs += 1
        except CommandError as error:
            self.error = error


def pull_whole(wire: Wire, place: Place, image: Image) -> None:
    """Manifest and every blob, byte for byte. Raises Refused."""
    repository, tag = place
    reply = wire.request("GET", f"/v2/{repository}/manifests/{tag}", headers={"Accept": MANIFEST_TYPE})
    if reply.status != 200 or reply.body != image.manifest.content:
        raise Refused(f"{repository}:{tag} is {reply.status}, with {reply.body[:200]!r}")
    for blob in image.blobs:
        reply = wire.request("GET", f"/v2/{repository}/blobs/{blob.digest}")
        if reply.status != 200 or reply.body != blob.content:
            raise Refused(f"{repository}:{tag} lacks {blob.digest}: {reply.status} {reply.body[:200]!r}")


def blobs_on_disk(hub: Hub) -> dict[str, bytes]:
    """Everything in the blob tree, by what its folder says its digest is."""
    found = (hub.blob_folder / "docker/registry/v2/blobs").glob("*/*/*/data")
    return {f"{path.parents[2].name}:{path.parent.name}": path.read_bytes() for path in found}


def collections(hub: Hub) -> Iterator[dict[str, Any]]:
    """All of them, the latest first."""
    path: str | None = "/api/v1/collections?limit=1000"
    while path:
        page = hub.get(path)
        yield from page["results"]
        path = page["next"] and page["next"].partition(hub.host)[2]


def load(hub: Hub, seconds: float) -> tuple[list[Client], Commands]:
    """Let it run for so long. Raises what a client or the command ran into."""
    stop = threading.Event()
    commands = Commands(hub, stop)
    clients = [Client(number, hub.port, stop) for number in range(CLIENTS)]
    threads: list[Client | Commands] = [*clients, commands]
    for thread in threads:
        thread.start()
    ends = time.monotonic() + seconds
    try:
        while time.monotonic() < ends and not any(client.error for client in clients):
            time.sleep(0.2)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    for thread in threads:
        if thread.error is not None:
            raise thread.error
    return clients, commands


def check_all_is_there(hub: Hub, images: dict[Place, Image]) -> None:
    """Every image that was answered and not deleted since."""
    with hub.wire() as wire:
        for place, image in images.items():
            pull_whole(wire, place, image)


def check_nothing_else_is_there(hub: Hub, images: dict[Place, Image]) -> None:
    """After a collection by force no byte is left that no image needs, and each file is what its name says."""
    hub.wait_until_drained()
    hub.command("garbage_collect", "--delete-untagged", "--grace", "0s")
    needed = {blob.digest for image in images.values() for blob in (image.manifest, *image.blobs)}
    found = blobs_on_disk(hub)
    assert sorted(found.keys() - needed) == [], "left although nothing needs it"
    assert sorted(needed - found.keys()) == [], "gone although an image needs it"
    assert [digest for digest, content in found.items() if digest != _digest(content)] == []
    assert hub.command("check_storage", "--digests") == "the storage is as the database says"


def run_load(databases: Databases, seconds: float, *, at_least: int) -> str:
    """The whole of it; returns a line that says what was done. `at_least` so many blobs must have been collected."""
    collect = {"interval": GRACE, "grace": GRACE, "untagged": GRACE}
    with Hub(new_folder("hub"), databases, config={"hub": {"collect": collect}}) as hub:
        assert hub.token  # made while all is calm
        clients, commands = load(hub, seconds)
        images = {place: image for client in clients for place, image in client.images.items()}
        check_all_is_there(hub, images)
        runs = list(collections(hub))
        collected = sum(each["blobs"] for each in runs)
        assert {each["state"] for each in runs} <= {"finished", "running", "waiting"}, runs
        assert collected >= at_least, f"only {collected} blobs were collected meanwhile"
        assert commands.runs
        assert any(each["slot"] for each in runs), "the worker collected nothing"
        check_nothing_else_is_there(hub, images)
    did = sum((client.did for client in clients), Counter())
    done = ", ".join(f"{name} {times:,}" for name, times in sorted(did.items()))
    return (
        f"{collected:,} blobs collected in {len(runs)} collections beside {done}; {len(images)} images left, all whole"
    )


def _with_layers(image: Image, layers: list[Blob]) -> Image:
    document = json.loads(image.manifest.content)
    document["layers"] += [layer.descriptor() for layer in layers]
    return Image(Blob(MANIFEST_TYPE, json.dumps(document).encode()), image.config, (*image.layers, *layers))


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"

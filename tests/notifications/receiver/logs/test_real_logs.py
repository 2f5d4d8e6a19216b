"""Logs of the real docker-registry and the real nginx, of the same requests."""

from pathlib import Path

import pytest
import yaml

from notifications.events import Event
from notifications.log.readers import ReadEvent
from notifications.receiver import files
from tests.pushing import expect, push_image
from tests.servers.docker_registry import DockerRegistry
from tests.servers.images import Image, make_image
from tests.servers.nginx import Nginx
from tests.servers.run import new_folder
from tests.wire import Wire

pytestmark = pytest.mark.only_database("sqlite")

AGENT = 'docker/24.0 "the best"\\ever'


class Talkative(DockerRegistry):
    """A registry that logs requests: in its own log, as text or JSON, and in an access log among it."""

    def __init__(self, folder: Path, *, formatter: str, level: str) -> None:
        super().__init__(folder)
        self.formatter, self.level = formatter, level

    def prepare(self) -> None:
        super().prepare()
        path = self.folder / "config.yml"
        config = yaml.safe_load(path.read_text())
        config["log"] = {"level": self.level, "formatter": self.formatter, "accesslog": {"disabled": False}}
        path.write_text(yaml.safe_dump(config))


def write_logs(image: Image, *, formatter: str, level: str) -> tuple[Path, Path]:
    """That of nginx and that of the registry behind it, after a push, a check, pulls, and what is no pull."""
    folder = new_folder("logs")
    with (
        Talkative(folder / "registry", formatter=formatter, level=level) as registry,
        Nginx(folder / "nginx", registry.host) as nginx,
        Wire(nginx.port, headers={"User-Agent": AGENT, "Accept": image.manifest.media_type}) as wire,
    ):
        talk(wire, image)
    return nginx.access_log, registry.log


def talk(wire: Wire, image: Image) -> None:
    push_image(wire, "app/web", "v1", image)
    digest = image.manifest.digest
    known = {"If-None-Match": f'"{digest}"'}
    part = {"Range": "bytes=0-3"}
    for method, target, headers, status in (
        ("HEAD", "manifests/v1", {}, 200),
        ("GET", "manifests/v1", {}, 200),
        ("GET", "manifests/v1", {}, 200),
        ("GET", f"manifests/{digest}", {}, 200),
        ("GET", "manifests/v1", known, 304),
        ("GET", f"blobs/{image.layers[0].digest}", {}, 200),
        ("GET", f"blobs/{image.layers[0].digest}", part, 206),
        ("GET", "manifests/none", {}, 404),
        ("GET", "tags/list", {}, 200),
    ):
        expect(wire.request(method, f"/v2/app/web/{target}", headers=headers), status, target)


def read(path: Path) -> tuple[str, list[Event]]:
    """The format that was found, and the events in order."""
    log = files.find_log(path, format="", limit_bytes=1 << 20)
    assert log is not None
    found = [
        reading for piece in files.cut(path, done=0, limit_bytes=1 << 20, log=log) for reading in read_piece(piece)
    ]
    assert all(isinstance(reading, ReadEvent) for reading in found)
    return log.format, [reading.event for reading in found if isinstance(reading, ReadEvent)]


def read_piece(piece: files.Piece) -> list[object]:
    kept, _ = files.set_aside(piece)
    assert files.read(kept.encode()) == files.read(piece.encode())
    return list(files.read(kept.encode()))


@pytest.mark.parametrize(
    ("formatter", "level", "expected"),
    [("text", "info", "registry"), ("json", "info", "registry"), ("text", "error", "combined")],
)
def test_the_logs_of_proxy_and_registry_tell_the_same(formatter: str, level: str, expected: str) -> None:
    """Of the same requests; the registry's own log has more to tell, and only the access log is left without it."""
    image = make_image("logged")
    proxy, registry = (read(path) for path in write_logs(image, formatter=formatter, level=level))
    assert (proxy[0], registry[0]) == ("combined", expected)
    size, layer = len(image.manifest.content), image.layers[0]
    for _, events in (proxy, registry):
        assert [(event.action, event.tag, event.digest, event.size) for event in events] == [
            ("push", "v1", "", 0),
            ("check", "v1", "", 0),
            ("pull", "v1", "", size),
            ("pull", "v1", "", size),
            ("pull", "", image.manifest.digest, size),
            ("check", "v1", "", 0),
            ("pull", "", layer.digest, len(layer.content)),
            ("pull", "", layer.digest, 4),
        ]
        assert {(event.repository, event.user_agent) for event in events} == {("app/web", AGENT)}
        assert all("127.0.0.1" in event.address for event in events)
        assert len({event.id for event in events}) == len(events)
    told = image.manifest.media_type if expected == "registry" else ""
    assert registry[1][2].media_type == told

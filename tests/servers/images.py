"""Images made from nothing, without any tool: OCI layouts for skopeo, build folders for docker."""

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.peers import find_peer

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
PLAIN_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
PLATFORMS = (("linux", "amd64"), ("linux", "arm64"), ("linux", "s390x"))


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes and their SHA-256 digest."""

    media_type: str
    content: bytes
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", f"sha256:{hashlib.sha256(self.content).hexdigest()}")

    def descriptor(self, **more: Any) -> dict[str, Any]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content), **more}


@dataclass(frozen=True, slots=True)
class Image:
    """One platform's image; `manifest` refers to `config` and `layers`."""

    manifest: Blob
    config: Blob
    layers: tuple[Blob, ...]

    @property
    def blobs(self) -> tuple[Blob, ...]:
        return (self.config, *self.layers)


@dataclass(frozen=True, slots=True)
class Index:
    """An image for several platforms."""

    index: Blob
    images: tuple[Image, ...]


def make_image(
    text: str,
    *,
    layers: int = 3,
    platform: tuple[str, str] = PLATFORMS[0],
    layer_bytes: int = 1000,
    is_compressed: bool = True,
) -> Image:
    """An image whose every blob depends on `text`, so that no two texts share one."""
    archives = [_tar(f"{text}/{platform[1]}/{number}", layer_bytes) for number in range(layers)]
    return _assemble(archives, platform, {"Labels": {"text": text}}, is_compressed=is_compressed)


def make_program(*command: str, files: Mapping[str, str] | None = None, **config: Any) -> Image:
    """An image that runs a command of busybox on this machine: `make_program("httpd", "-f", files={"/www/v": "1"})`.

    `config` goes into the image's configuration: Healthcheck, ExposedPorts and the like.
    """
    entries = {"bin/busybox": Path(find_peer("busybox")).read_bytes()}
    entries |= {name.lstrip("/"): text.encode() for name, text in (files or {}).items()}
    return _assemble([_archive(entries)], PLATFORMS[0], {"Cmd": ["/bin/busybox", *command], **config})


def _assemble(
    archives: list[bytes], platform: tuple[str, str], config: Mapping[str, Any], *, is_compressed: bool = True
) -> Image:
    packed = tuple(_pack(archive) if is_compressed else Blob(PLAIN_LAYER_TYPE, archive) for archive in archives)
    whole = {
        "architecture": platform[1],
        "os": platform[0],
        "config": config,
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(archive).hexdigest()}" for archive in archives],
        },
    }
    config_blob = Blob(CONFIG_TYPE, _json(whole))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config_blob.descriptor(),
        "layers": [blob.descriptor() for blob in packed],
    }
    return Image(Blob(MANIFEST_TYPE, _json(manifest)), config_blob, packed)


def make_index(text: str, *, layers: int = 2) -> Index:
    """An image for each of PLATFORMS, under one index."""
    images = tuple(make_image(text, layers=layers, platform=platform) for platform in PLATFORMS)
    children = [
        image.manifest.descriptor(platform={"os": system, "architecture": architecture})
        for image, (system, architecture) in zip(images, PLATFORMS, strict=True)
    ]
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": children}
    return Index(Blob(INDEX_TYPE, _json(index)), images)


def write_layout(folder: Path, made: Image | Index) -> str:
    """Write an OCI image layout and return its name for skopeo (`oci:FOLDER`)."""
    images = made.images if isinstance(made, Index) else (made,)
    top = made.index if isinstance(made, Index) else made.manifest
    place = folder / "blobs" / "sha256"
    place.mkdir(parents=True)
    for blob in (top, *(part for image in images for part in (image.manifest, *image.blobs))):
        (place / blob.digest.removeprefix("sha256:")).write_bytes(blob.content)
    (folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (folder / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [top.descriptor()]}))
    return f"oci:{folder}"


def write_build_folder(folder: Path, text: str) -> Path:
    """A Dockerfile of four layers on a static busybox; the image prints `text` when it runs."""
    folder.mkdir(parents=True)
    shutil.copyfile(find_peer("busybox"), folder / "busybox")
    (folder / "busybox").chmod(0o755)
    (folder / "text").write_text(text)
    (folder / "Dockerfile").write_text(
        "FROM scratch\n"
        "COPY busybox /bin/busybox\n"
        "COPY text /text\n"
        "COPY text /copies/first\n"
        'RUN ["/bin/busybox", "sh", "-c", "/bin/busybox cp /text /copies/second"]\n'
        'CMD ["/bin/busybox", "cat", "/copies/second"]\n'
    )
    return folder


def write_program_folder(folder: Path, script: str, files: Mapping[str, str]) -> Path:
    """A Dockerfile of a static busybox whose shell runs a script, beside some files."""
    folder.mkdir(parents=True)
    shutil.copyfile(find_peer("busybox"), folder / "busybox")
    (folder / "busybox").chmod(0o755)
    for name, text in files.items():
        (folder / "files" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "files" / name).write_text(text)
    command = json.dumps(["/bin/busybox", "sh", "-c", script])
    (folder / "Dockerfile").write_text(f"FROM scratch\nCOPY busybox /bin/busybox\nCOPY files /\nCMD {command}\n")
    return folder


def _pack(archive: bytes) -> Blob:
    return Blob(LAYER_TYPE, gzip.compress(archive, 1, mtime=0))


def _tar(text: str, size: int) -> bytes:
    content = (hashlib.sha256(text.encode()).digest() * (size // 32 + 1))[:size]
    return _archive({f"data/{hashlib.sha256(text.encode()).hexdigest()[:12]}": content})


def _archive(entries: Mapping[str, bytes]) -> bytes:
    """Every file can be executed, and the same entries are always the same bytes."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return file.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()

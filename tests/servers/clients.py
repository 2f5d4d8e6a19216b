"""Real registry clients: docker, skopeo, podman and umoci, each with settings of its own in a folder of the test."""

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from tests.servers.docker_engine import DockerEngine
from tests.servers.peers import find_peer

_TIMEOUT_SECONDS = 120.0


class ClientError(AssertionError):
    """A client ended with an error; the message is what it printed."""


@dataclass(frozen=True, slots=True)
class Login:
    username: str
    password: str


def _run(argv: list[str], environment: Mapping[str, str] | None = None, stdin: str | None = None) -> str:
    result = subprocess.run(
        argv,
        env={**os.environ, **(environment or {})},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    if result.returncode != 0:
        raise ClientError(f"{' '.join(argv)}\nended with {result.returncode}:\n{result.stdout}{result.stderr}")
    return result.stdout


class Docker:
    """The docker command against one engine. Raises ClientError whenever the command fails."""

    def __init__(self, engine: DockerEngine) -> None:
        self._environment = {
            "DOCKER_HOST": engine.url,
            "DOCKER_CONFIG": str(engine.folder / "client"),
            "DOCKER_BUILDKIT": "0",
            "DOCKER_CLI_EXPERIMENTAL": "enabled",
        }

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        return _run([find_peer("docker"), *arguments], self._environment, stdin)

    def login(self, host: str, login: Login) -> None:
        self("login", "--username", login.username, "--password-stdin", host, stdin=login.password)

    def build(self, folder: Path, tag: str) -> None:
        self("build", "--quiet", "--network", "none", "--tag", tag, str(folder))

    def push(self, tag: str) -> None:
        self("push", tag)

    def pull(self, tag: str) -> None:
        self("pull", tag)

    def remove_image(self, tag: str) -> None:
        self("image", "rm", "--force", tag)

    def make_list(self, tag: str, *tags: str) -> None:
        """Make a manifest list of images that registries have, and push it."""
        self("manifest", "create", "--insecure", tag, *tags)
        self("manifest", "push", "--insecure", "--purge", tag)

    def inspect_list(self, tag: str) -> dict[str, Any]:
        """The manifest list or index of a registry, as docker reads it."""
        found: dict[str, Any] = json.loads(self("manifest", "inspect", "--insecure", tag))
        return found

    def inspect(self, tag: str) -> dict[str, Any]:
        images: list[dict[str, Any]] = json.loads(self("image", "inspect", tag))
        return images[0]

    def run(self, tag: str, *command: str) -> str:
        return self("run", "--rm", "--network", "none", tag, *command)


def skopeo_copy(
    source: str,
    destination: str,
    *,
    all_platforms: bool = False,
    login: Login | None = None,
    v2s2: bool = False,
    more: Sequence[str] = (),
) -> None:
    """Copy an image, plain HTTP allowed; `login` goes to whichever side is a registry. Raises ClientError."""
    options = ["--src-tls-verify=false", "--dest-tls-verify=false", *more]
    options += ["--all"] if all_platforms else []
    options += ["--format", "v2s2"] if v2s2 else []
    if login:
        for side, image in (("src", source), ("dest", destination)):
            options += [f"--{side}-creds={login.username}:{login.password}"] if image.startswith("docker://") else []
    _run([find_peer("skopeo"), "--insecure-policy", "copy", "--quiet", *options, source, destination])


def skopeo_inspect_raw(image: str) -> bytes:
    """The manifest or index exactly as the registry keeps it. Raises ClientError."""
    return _run([find_peer("skopeo"), "inspect", "--raw", "--tls-verify=false", image]).encode()


def skopeo_inspect(image: str) -> dict[str, Any]:
    """What skopeo tells of an image, read from its manifest, its configuration and its repository's tags.

    Raises ClientError.
    """
    found: dict[str, Any] = json.loads(_run([find_peer("skopeo"), "inspect", "--tls-verify=false", image]))
    return found


def skopeo_list_tags(repository: str) -> list[str]:
    """The tags of `docker://host/name`. Raises ClientError."""
    found: list[str] = json.loads(_run([find_peer("skopeo"), "list-tags", "--tls-verify=false", repository]))["Tags"]
    return found


def skopeo_delete(image: str) -> None:
    """Delete the manifest that the image's tag points at. Raises ClientError."""
    _run([find_peer("skopeo"), "delete", "--tls-verify=false", image])


def umoci(*arguments: str) -> str:
    """Work on an OCI layout in a folder. Raises ClientError."""
    return _run([find_peer("umoci"), *arguments])


class Podman:
    """podman with storage, run folder and policy of its own. Raises ClientError whenever the command fails."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')

    def __call__(self, *arguments: str) -> str:
        places = ["--root", str(self._folder / "root"), "--runroot", str(self._folder / "run")]
        drivers = ["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "none"]
        return _run([find_peer("podman"), *places, *drivers, *arguments])

    def pull(self, image: str) -> None:
        policy = str(self._folder / "policy.json")
        self("pull", "--quiet", "--tls-verify=false", "--signature-policy", policy, image)

    def push(self, image: str) -> None:
        self("push", "--quiet", "--tls-verify=false", image)

    def make_list(self, name: str, *images: str) -> None:
        """A manifest list of images that a registry has."""
        self("manifest", "create", name)
        for image in images:
            self("manifest", "add", "--tls-verify=false", name, f"docker://{image}")

    def push_list(self, name: str, image: str) -> None:
        """Push a manifest list with the images it names."""
        self("manifest", "push", "--all", "--quiet", "--tls-verify=false", name, f"docker://{image}")


def import_busybox(engine: DockerEngine) -> None:
    """Give the engine an image `busybox`, as if it had been pulled, with the programs that the documentation uses."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.add(find_peer("busybox"), "bin/busybox")
        for name in ("sh", "httpd", "cat", "echo", "sleep"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    client = docker.APIClient(engine.url)
    client.import_image_from_data(file.getvalue(), repository="busybox", tag="latest")
    client.close()

"""A docker daemon of its own: socket, data and containerd in one folder, no bridge, no firewall rules. Needs root."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

from tests.servers.peers import find_peer
from tests.servers.server import Server


class DockerEngine(Server):
    """dockerd with the `vfs` storage driver, which works on every file system and inside containers.

    Its containers run with `--network host` or `none`; `has_bridge` gives them a default network and published ports,
    on a bridge of its own, since `docker0` may be somebody's. Registries on 127.0.0.0/8 may be plain HTTP. Nothing is
    ever pulled from outside. The folder's path must be short (sockets: 107 bytes).
    """

    ready_seconds = 60.0
    stop_seconds = 60.0

    def __init__(self, folder: Path, *, has_bridge: bool = False) -> None:
        super().__init__("dockerd", folder)
        self.socket = folder / "docker.sock"
        self._bridge = f"rhub{os.getpid()}" if has_bridge else "none"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def argv(self) -> list[str]:
        return [
            find_peer("dockerd"),
            *("--host", self.url),
            *("--data-root", str(self.folder / "data")),
            *("--exec-root", str(self.folder / "exec")),
            *("--pidfile", str(self.folder / "pid")),
            *("--config-file", str(self.folder / "daemon.json")),
            *("--storage-driver", "vfs"),
            *("--insecure-registry", "127.0.0.0/8"),
            "--iptables=false",
            "--ip6tables=false",
            *("--bridge", self._bridge),
        ]

    def prepare(self) -> None:
        super().prepare()
        (self.folder / "daemon.json").write_text("{}")
        if self._bridge != "none":
            self._make_bridge()

    def is_ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5.0)
            connection.connect(str(self.socket))
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in connection.recv(64)

    def stop(self) -> int | None:
        status = super().stop()
        self._clean_up()
        return status

    def kill(self) -> None:
        super().kill()
        self._clean_up()

    def _clean_up(self) -> None:
        """What a killed daemon leaves mounted would keep the folder from being removed; its bridge stays, too."""
        mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for place in sorted(mounted, reverse=True):
            if place.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "--lazy", place], check=False)
        shutil.rmtree(self.folder / "exec", ignore_errors=True)
        if self._bridge != "none":
            subprocess.run([find_peer("ip"), "link", "delete", self._bridge], check=False, capture_output=True)

    def _make_bridge(self) -> None:
        network = f"172.31.{os.getpid() % 256}.1/24"
        for words in (
            f"link add name {self._bridge} type bridge",
            f"address add {network} dev {self._bridge}",
            f"link set {self._bridge} up",
        ):
            subprocess.run([find_peer("ip"), *words.split()], check=True)

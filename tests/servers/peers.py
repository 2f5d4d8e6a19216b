"""Which real peers this machine has. `make peers` installs them from Debian, as root."""

import os
import shutil
from functools import cache

# Debian's first: something else of the same name may stand earlier on PATH.
_PATH = os.pathsep.join(("/usr/bin", "/usr/sbin", "/bin", "/sbin", os.environ.get("PATH", "")))
_NEEDS_ROOT = {"dockerd", "podman"}
_PACKAGES = {
    "busybox": "busybox-static",
    "chromium": "chromium",
    "docker": "docker.io",
    "docker-registry": "docker-registry",
    "dockerd": "docker.io",
    "htpasswd": "apache2-utils",
    "ip": "iproute2",
    "nginx": "nginx",
    "podman": "podman",
    "skopeo": "skopeo",
    "umoci": "umoci",
    "wrk": "wrk",
}


class MissingPeerError(RuntimeError):
    """A real peer is not on this machine; the message says how to get it."""


@cache
def why_missing(name: str) -> str | None:
    """Why the peer cannot be used here, None when it can. Raises KeyError for one that `make peers` does not know."""
    package = _PACKAGES[name]
    if shutil.which(name, path=_PATH) is None:
        return f"{name} is not installed (Debian package {package}; `make peers` as root installs all peers)"
    if name in _NEEDS_ROOT and os.geteuid() != 0:
        return f"{name} needs root"
    return None


def find_peer(name: str) -> str:
    """The path of its program. Raises MissingPeerError."""
    reason = why_missing(name)
    path = shutil.which(name, path=_PATH)
    if reason or path is None:
        raise MissingPeerError(reason or name)
    return path

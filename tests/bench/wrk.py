"""wrk, the load of all lines that pull manifests."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from tests.servers.images import MANIFEST_TYPE
from tests.servers.peers import find_peer

CONNECTIONS = 16


class LoadError(RuntimeError):
    """wrk failed or counted answers that were no success; the message is its output."""


@dataclass(frozen=True, slots=True)
class Load:
    """What wrk saw: answers, and answers a second."""

    requests: int
    rate: float


def start_wrk(port: int, path: str, seconds: float, headers: Mapping[str, str]) -> "subprocess.Popen[str]":
    """Pull from 16 kept connections in the background; `finish_wrk` reads the result."""
    options = [word for pair in headers.items() for word in ("-H", ": ".join(pair))]
    return subprocess.Popen(
        [
            find_peer("wrk"),
            *("-t", "1", "-c", str(CONNECTIONS), "-d", f"{max(1, round(seconds))}s", "--timeout", "30s"),
            *("-H", f"Accept: {MANIFEST_TYPE}", *options),
            f"http://127.0.0.1:{port}{path}",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish_wrk(process: "subprocess.Popen[str]") -> Load:
    """Raises LoadError."""
    output, _ = process.communicate(timeout=120)
    found = re.search(r"(\d+) requests in .*?Requests/sec:\s+([\d.]+)", output, re.DOTALL)
    if process.returncode or found is None or "Non-2xx" in output or "Socket errors" in output:
        raise LoadError(output)
    return Load(int(found[1]), float(found[2]))


def run_wrk(port: int, path: str, seconds: float, headers: Mapping[str, str]) -> Load:
    """Pull, and wait for the end. Raises LoadError."""
    return finish_wrk(start_wrk(port, path, seconds, headers))

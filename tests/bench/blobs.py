"""Lines that move large blobs: speed, and the memory it takes."""

import hashlib
import http.client
import os
import time
from collections.abc import Iterable
from pathlib import Path

from tests.bench.measure import Measured, Plan, say
from tests.bench.sides import Side, open_wire, start_hub, two_sides
from tests.pushing import push_file
from tests.servers.proc import Process, peak_memory_bytes, reset_peak_memory
from tests.servers.run import new_folder
from tests.wire import Wire

REPOSITORY = "library/large"
_MIB = 1 << 20


def get(plan: Plan) -> Measured:
    """MiB a second on one connection, read by the client in steps of 1 MiB."""
    size = plan.sized(512, 4) * _MIB
    path = _random_file(size)
    digest = _digest(path)
    measured = Measured()
    with two_sides(plan) as sides:
        for side in sides:
            _push(side, path, digest)
            _verify(side, digest)
        for _ in plan.each_round():
            for side in sides:
                side.settle()
                begun = time.monotonic()
                with open_wire(side) as wire:
                    wire.discard(f"/v2/{REPOSITORY}/blobs/{digest}")
                _sample(side, measured, size, begun)
    return measured


def push(plan: Plan) -> Measured:
    """MiB a second of one PATCH and the empty closing PUT, each round other bytes."""
    size = plan.sized(512, 4) * _MIB
    path = _random_file(size)
    measured = Measured()
    with two_sides(plan) as sides:
        for number in plan.each_round():
            _alter(path, number)
            digest = _digest(path)
            for side in sides:
                side.settle()
                os.sync()
                begun = time.monotonic()
                _push(side, path, digest)
                _sample(side, measured, size, begun)
    return measured


def peak_memory(plan: Plan) -> Measured:
    """MiB that the largest web process held at most while a 2 GiB blob went in and out."""
    size = plan.sized(2048, 16) * _MIB
    path = new_folder("blob") / "zeros"
    with path.open("wb") as file:
        file.truncate(size)
    digest = _digest(path)
    measured = Measured()
    with start_hub(plan) as hub:
        web = [*hub.processes("web"), *hub.web_workers()]
        if not web:
            raise AssertionError(f"no web process among {[str(process) for process in hub.tree()]}")
        for process in web:
            reset_peak_memory(process.pid)
        with Wire(hub.port, timeout_seconds=120) as wire, path.open("rb") as file:
            push_file(wire, REPOSITORY, file, size, digest)
            measured.notes["web process after the push, MiB"] = _peak(web)
            wire.discard(f"/v2/{REPOSITORY}/blobs/{digest}")
        measured.hub.append(_peak(web))
    return measured


def _peak(processes: Iterable[Process]) -> float:
    return max(peak_memory_bytes(process.pid) for process in processes) / _MIB


def _push(side: Side, path: Path, digest: str) -> None:
    with open_wire(side) as wire, path.open("rb") as file:
        push_file(wire, REPOSITORY, file, path.stat().st_size, digest)


def _verify(side: Side, digest: str) -> None:
    """Once, outside of what is timed: the bytes are the right ones."""
    connection = http.client.HTTPConnection("127.0.0.1", side.port, timeout=120)
    try:
        connection.request("GET", f"/v2/{REPOSITORY}/blobs/{digest}", headers=side.headers)
        response = connection.getresponse()
        found = hashlib.sha256()
        while chunk := response.read(_MIB):
            found.update(chunk)
    finally:
        connection.close()
    if f"sha256:{found.hexdigest()}" != digest:
        raise AssertionError(f"{side.name} served other bytes than were pushed")


def _sample(side: Side, measured: Measured, size: int, begun: float) -> None:
    rate = size / _MIB / (time.monotonic() - begun)
    say(f"  {side.name}: {rate:,.0f} MiB a second")
    side.samples(measured).append(rate)


def _random_file(size: int) -> Path:
    path = new_folder("blob") / "random"
    with path.open("wb") as file:
        for _ in range(size // _MIB):
            file.write(os.urandom(_MIB))
    return path


def _alter(path: Path, number: int) -> None:
    with path.open("r+b") as file:
        file.write(f"round {number:>10}".encode())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"

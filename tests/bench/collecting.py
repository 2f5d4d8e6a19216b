"""The line of the garbage collection: small blobs that nothing refers to, removed by either side's command."""

import subprocess
import time

from tests.bench.garbage import left_blobs, write_blobs
from tests.bench.measure import Measured, Plan, say
from tests.bench.sides import Side, open_wire, two_sides
from tests.pushing import push_image
from tests.servers.docker_registry import DockerRegistry
from tests.servers.hub import Hub
from tests.servers.images import make_image
from tests.servers.peers import find_peer


def rate(plan: Plan) -> Measured:
    """Blobs a second, the start of the command included. The hub serves meanwhile, and so does docker-registry."""
    count = plan.sized(20_000, 200)
    measured = Measured()
    with two_sides(plan) as sides:
        for side in sides:
            with open_wire(side) as wire:
                push_image(wire, "library/kept", "latest", make_image("kept"))
        for number in plan.each_round():
            for side in sides:
                side.settle()
                _measure(side, number * count + 1, (number + 1) * count, measured)
    return measured


def _measure(side: Side, first: int, last: int, measured: Measured) -> None:
    root = side.server.blob_folder
    if isinstance(side.server, Hub):
        side.server.module("tests.bench.fill", "blobs", str(first), str(last))
    else:
        write_blobs(root, first, last)
    begun = time.monotonic()
    _collect(side.server)
    rate = (last - first + 1) / (time.monotonic() - begun)
    say(f"  {side.name}: {rate:,.0f} blobs a second")
    side.samples(measured).append(rate)
    measured.require(f"{side.name} removed every blob", not any(left_blobs(root, first, last)))


def _collect(server: Hub | DockerRegistry) -> None:
    if isinstance(server, Hub):
        server.command("garbage_collect", "--quiet", "--grace", "0s")
        return
    argv = [find_peer("docker-registry"), "garbage-collect", str(server.folder / "config.yml")]
    subprocess.run(argv, check=True, capture_output=True)

"""How a child tells the supervisor that it serves: one byte on a pipe whose number it finds in the environment."""

import os
from contextlib import suppress

READY_VARIABLE = "REGISTRYHUB_READY_DESCRIPTOR"


def take_descriptor() -> int | None:
    """The pipe to the supervisor, if there is one. It is taken out of the environment: only this program may use it."""
    text = os.environ.pop(READY_VARIABLE, "")
    return int(text) if text.isdigit() else None


def report_ready(descriptor: int | None) -> None:
    """Say that this program serves. When the supervisor has gone, nobody is told."""
    if descriptor is not None:
        with suppress(OSError):
            os.write(descriptor, b".")

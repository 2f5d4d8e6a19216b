"""Collect garbage now, while the hub serves."""

import signal
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from registryhub.config.durations import parse_duration
from registryhub.registry.collect.claims import begin, claim_next
from registryhub.registry.collect.listen import Listener
from registryhub.registry.collect.plan import new_collection
from registryhub.registry.collect.printing import Printer
from registryhub.registry.collect.runs import Run
from registryhub.registry.collect.work import carry_out
from registryhub.registry.drivers import configured_driver
from registryhub.registry.models import Collection

_PAUSE_SECONDS = 0.5


class Command(BaseCommand):
    help = "Remove what nothing refers to any more, and say how many bytes that freed. The hub may serve meanwhile."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("config", nargs="?", help="a config.yml of CNCF Distribution; without it: the defaults")
        parser.add_argument("-d", "--dry-run", action="store_true", help="only say what would be removed")
        parser.add_argument(
            "-m", "--delete-untagged", action="store_true", help="remove manifests that no tag points at, too"
        )
        parser.add_argument("-q", "--quiet", action="store_true", help="print nothing but errors")
        parser.add_argument(
            "--grace",
            type=_duration,
            metavar="DURATION",
            help="what was used since then stays, such as 24h or 0s (hub.collect.grace)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        grace_seconds = options["grace"]
        collection = new_collection(
            is_dry_run=options["dry_run"],
            deletes_untagged=options["delete_untagged"],
            grace_seconds=settings.HUB.hub.collect.grace_seconds if grace_seconds is None else grace_seconds,
        )
        try:
            with _terminable():
                self._wait_for_turn(collection, options["quiet"])
                self._carry_out(collection, options["quiet"])
        except KeyboardInterrupt:
            sys.exit("the garbage collection was stopped; what it has removed so far is gone")
        except Exception as error:
            sys.exit(f"failed to garbage collect: {error}")

    def _wait_for_turn(self, collection: Collection, is_quiet: bool) -> None:
        """One that was interrupted is ended first."""
        is_told = is_quiet
        while not begin(collection):
            interrupted = claim_next()
            if interrupted is not None:
                self._carry_out(interrupted, is_quiet)
                continue
            if not is_told:
                self.stderr.write("another collection runs; this one begins when it has ended")
                is_told = True
            time.sleep(_PAUSE_SECONDS)

    def _carry_out(self, collection: Collection, is_quiet: bool) -> None:
        printer = Printer(self.stdout, self.stderr)
        run = Run(collection, configured_driver(), Listener() if is_quiet else printer)
        try:
            carry_out(run)
        except KeyboardInterrupt:
            run.end(Collection.State.STOPPED)
            raise
        finally:
            printer.clear()
        if not is_quiet:
            collection.refresh_from_db()
            printer.summary(collection)


def _duration(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} {error}") from error
    if seconds < 0:
        raise ArgumentTypeError(f"{text} is negative")
    return seconds


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does: whoever stops a collection does not want another process to go on with it."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)

"""Compare the storage with the database."""

import sys
import time
from argparse import ArgumentParser
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand

from registryhub.registry.collect.check import check_blobs, check_files, check_links
from registryhub.registry.drivers import configured_driver

_EVERY_SECONDS = 0.2
_CLEAR = "\r\x1b[K"


class Command(BaseCommand):
    help = (
        "Say which blobs are lost, cut off or damaged, which files nobody knows, and how to mend it. Changes nothing."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("config", nargs="?", help="a config.yml of CNCF Distribution; without it: the defaults")
        parser.add_argument("--digests", action="store_true", help="read every blob, and compare its digest")

    def handle(self, *args: Any, **options: Any) -> None:
        driver, self._shown_at, count = configured_driver(), 0.0, 0
        blobs = check_blobs(driver, with_digests=options["digests"], progress=self._show)
        for problem in chain(blobs, check_files(driver), check_links(driver)):
            self._clear()
            self.stdout.write(problem)
            count += 1
        self._clear()
        if count:
            sys.exit(f"{count} problems; nothing was changed")
        self.stdout.write("the storage is as the database says")

    def _show(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self.stderr.isatty() and now - self._shown_at > _EVERY_SECONDS:
            self._shown_at = now
            self.stderr.write(f"{_CLEAR}{done} of {total} blobs", ending="")
            self.stderr.flush()

    def _clear(self) -> None:
        if self._shown_at:
            self.stderr.write(_CLEAR, ending="")
            self._shown_at = 0.0

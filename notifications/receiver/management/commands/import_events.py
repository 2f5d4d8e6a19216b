"""Bring in files of old envelopes."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications.receiver.bringing import bring_in
from notifications.receiver.files import FileRefused
from registryhub.access.models import Source

_TELL_EVERY = 100_000


class Command(BaseCommand):
    help = "Bring in files of old events: an envelope or an event a line, or one JSON document; gzip or not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--source", required=True, help="the registry that they are of: manage.py create_source")

    def handle(self, *args: Any, **options: Any) -> None:
        source = Source.objects.filter(name=options["source"]).first()
        if source is None or source.is_hub:
            raise CommandError(
                f"There is no source {options['source']!r} of events from elsewhere; make one with"
                f" `manage.py create_source {options['source']}`."
            )
        for path in options["files"]:
            try:
                taken = self._bring_in(path, source)
            except (FileRefused, OSError) as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"{path}: {taken} lines taken in" if taken else f"{path}: nothing new")

    def _bring_in(self, path: Path, source: Source) -> int:
        told = 0

        def report(lines: int) -> None:
            nonlocal told
            if lines >= told + _TELL_EVERY:
                told = lines
                self.stdout.write(f"{path}: at line {lines} …")

        return bring_in(path, source, limit_bytes=settings.HUB.hub.limits.envelope_bytes, report=report)

"""Bring in files of old envelopes, and logs."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications.receiver.bringing import Taken, bring_in
from notifications.receiver.files import FileRefused, find_log
from notifications.receiver.logs.formats import DEFAULT_PREFIX, EVENTS, LINE_READERS
from registryhub.access.models import Source

_TELL_EVERY = 100_000


class Command(BaseCommand):
    help = (
        "Bring in files of old events: an envelope or an event a line, one JSON document, an access log of nginx, "
        "Apache or a registry, or a registry's own log; gzip or not."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument(
            "--format",
            choices=(EVENTS, *LINE_READERS),
            default="",
            help="what the files are: events, access logs (combined), logs of a registry itself; else as they look",
        )
        parser.add_argument(
            "--prefix", default=DEFAULT_PREFIX, help="of paths in logs, if a proxy has moved the registry (/v2/)"
        )
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
                taken = self._bring_in(path, source, options)
            except (FileRefused, OSError) as error:
                raise CommandError(str(error)) from error
            self.stdout.write(f"{path}: {_tell(taken)}")

    def _bring_in(self, path: Path, source: Source, options: dict[str, Any]) -> Taken:
        told = 0

        def report(lines: int) -> None:
            nonlocal told
            if lines >= told + _TELL_EVERY:
                told = lines
                self.stdout.write(f"{path}: at line {lines} …")

        limit_bytes = settings.HUB.hub.limits.envelope_bytes
        prefix = f"/{options['prefix'].strip('/')}/"
        log = find_log(path, format=options["format"], prefix=prefix, limit_bytes=limit_bytes)
        return bring_in(path, source, limit_bytes=limit_bytes, report=report, log=log)


def _tell(taken: Taken) -> str:
    if not taken.lines:
        return "nothing new"
    if not taken.skipped:
        return f"{taken.lines} lines taken in"
    return f"{taken.lines - taken.skipped} lines taken in, {taken.skipped} skipped that are of no image"

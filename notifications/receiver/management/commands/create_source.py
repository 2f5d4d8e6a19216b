"""`manage.py create_source NAME`: let another registry send its events here."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications.receiver.sources import (
    SourceRefused,
    add_signing_source,
    add_source,
    rotate_secret,
    rotate_token,
)
from registryhub.access.models import Source


class Command(BaseCommand):
    help = "Make a source of events and print its token or secret, which is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="such as the registry's host name")
        parser.add_argument("--public", action="store_true", help="its new repositories are seen by everybody")
        parser.add_argument("--signs", action="store_true", help="it signs with a secret instead of sending a token")
        parser.add_argument("--rotate", action="store_true", help="a new token or secret for a source that exists")
        parser.add_argument(
            "--grace-seconds", type=int, default=0, help="with --rotate: the old ones end after so long (0)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(self._rotate(options) if options["rotate"] else self._add(options))
        except SourceRefused as error:
            raise CommandError(str(error)) from error

    def _add(self, options: dict[str, Any]) -> str:
        if Source.objects.filter(name=options["name"]).exists():
            raise CommandError(
                f"There is a source {options['name']!r} already. "
                f"`manage.py create_source {options['name']} --rotate` gives it a new token and ends the old ones."
            )
        add = add_signing_source if options["signs"] else add_source
        return add(options["name"], is_public=options["public"])[1]

    def _rotate(self, options: dict[str, Any]) -> str:
        source = Source.objects.filter(name=options["name"]).first()
        if source is None:
            known = ", ".join(Source.objects.values_list("name", flat=True).order_by("name")[:10])
            raise CommandError(f"There is no source {options['name']!r} (known: {known}).")
        rotate = rotate_secret if options["signs"] else rotate_token
        return rotate(source, grace_seconds=options["grace_seconds"])

"""Let a consumer go through a part of the log again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications.log.replay import ReplayRefused, replay


class Command(BaseCommand):
    help = "Send events again: set a consumer, such as endpoint:NAME, back in the log. May be done while the hub runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--consumer", required=True, help="its name, as /api/v1/log shows it: endpoint:NAME, tree")
        parser.add_argument("--from", dest="first", type=int, required=True, metavar="SEQ", help="the first event")
        parser.add_argument("--to", dest="last", type=int, metavar="SEQ", help="the last event; without it all since")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["consumer"]
        try:
            found = replay(name, first=options["first"], last=options["last"])
        except ReplayRefused as refused:
            raise CommandError(str(refused)) from refused
        self.stdout.write(
            f"{name} goes through events {found.first} to {found.last} again, and then on after {found.reached}."
        )

"""Count again from the log."""

import gc
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications.analytics.portions import Days
from notifications.analytics.recount import RecountRefused, recount


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is no day: write it as 2026-11-24.") from error


class Command(BaseCommand):
    help = "Count again from the events in the log, by the rules of this version. May be done while the hub runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="first", type=_day, metavar="DAY", help="the first day (UTC)")
        parser.add_argument("--to", dest="last", type=_day, metavar="DAY", help="the last day; by default today")

    def handle(self, *args: Any, **options: Any) -> None:
        # A batch is hundreds of thousands of objects without a circle among them: to look for one took a quarter of the
        # time.
        gc.freeze()
        gc.set_threshold(500_000, 50, 50)
        try:
            days = recount(Days(options["first"], options["last"]), self._report)
        except RecountRefused as refused:
            raise CommandError(str(refused)) from refused
        if not days:
            self.stdout.write("Nothing was counted on these days.")
            return
        self.stdout.write(f"Counted again: {len(days)} days, {days[0]} to {days[-1]}.")

    def _report(self, reached: int, last: int) -> None:
        if self.stdout.isatty():
            self.stdout.write(f"\revent {reached:,} of {last:,}", ending="")

"""Find out where events stop, and why."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import IO, Any, cast

from django.core.management.base import BaseCommand
from django.db import DatabaseError, InterfaceError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from registryhub.config.durations import parse_duration
from registryhub.doctor.checkups import begin, carry_out
from registryhub.doctor.examination import PATIENCE_SECONDS
from registryhub.doctor.findings import Finding, is_well
from registryhub.doctor.models import Checkup

_SIGNS = {
    "ok": "[green]✓[/]",
    "slow": "[yellow]~[/]",
    "warning": "[yellow]![/]",
    "stopped": "[red]✗[/]",
    "skipped": "[dim]–[/]",
}


class Command(BaseCommand):
    help = (
        "Look at everything the hub needs and send a probe event through every hop: where does it stop, and why?"
        " The probe is counted nowhere and sent to no endpoint. Exit status 1 when something is stopped."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("config", nargs="?", help="a config.yml of CNCF Distribution; without it: the defaults")
        parser.add_argument("--json", action="store_true", help="print one JSON document")
        parser.add_argument("--deliver", action="store_true", help="send each endpoint a test event too")
        parser.add_argument(
            "--patience", type=parse_duration, default=PATIENCE_SECONDS, metavar="TIME", help="for each hop (10s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        delivers = options["deliver"]
        findings = carry_out(_begin(delivers), delivers=delivers, patience_seconds=options["patience"])
        found = (
            list(findings)
            if options["json"]
            else _print(findings, Console(file=cast(IO[str], self.stdout), highlight=False))
        )
        if options["json"]:
            document = {"well": is_well(found), "findings": [finding.document() for finding in found]}
            self.stdout.write(json.dumps(document, indent=2))
        if not is_well(found):
            sys.exit(1)


def _begin(delivers: bool) -> Checkup | None:
    """None when the database is away, or has no such table yet: then that is one of the findings."""
    try:
        return begin(delivers=delivers)
    except (DatabaseError, InterfaceError):
        return None


def _print(findings: Iterable[Finding], console: Console) -> list[Finding]:
    """Each as soon as it is known."""
    found: list[Finding] = []
    for finding in findings:
        found.append(finding)
        console.print(_line(finding))
    stopped = [finding.name for finding in found if finding.state == "stopped"]
    console.print()
    console.print(f"[red]Stopped:[/] {escape(', '.join(stopped))}" if stopped else "[green]All is well.[/]")
    return found


def _line(finding: Finding) -> Table:
    """A table of one line, so that it can be printed before the next is known; long words stay in their column."""
    table = Table.grid(padding=(0, 1))
    for width in (1, 22, 7):
        table.add_column(width=width, overflow="fold")
    table.add_column(overflow="fold")
    took = f"{finding.seconds:.2f} s" if finding.seconds is not None else ""
    table.add_row(_SIGNS[finding.state], escape(finding.name), f"[dim]{took:>7}[/]", escape(finding.words))
    if finding.mend:
        table.add_row("", "", "", f"[bold]→ {escape(finding.mend)}[/]")
    return table

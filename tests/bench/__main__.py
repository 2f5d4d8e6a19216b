"""`python -m tests.bench`: the hub beside Debian's docker-registry, in alternation, as ratios of medians."""

import argparse
import json
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.lines import LINES
from tests.bench.measure import Line, Plan, Verdict, say
from tests.servers.databases import KINDS, Kind, database_servers
from tests.servers.peers import why_missing
from tests.servers.run import a_run

_PEERS = ("docker-registry", "wrk")


def main(argv: list[str]) -> int:
    arguments = _parse(argv)
    missing = [reason for peer in _PEERS if (reason := why_missing(peer))]
    if missing:
        say("\n".join(missing))
        return 2
    chosen = [line for line in LINES if not arguments.only or line.name in arguments.only]
    kinds = KINDS if arguments.database == "both" else (arguments.database,)
    begun = time.monotonic()
    verdicts = [verdict for kind in kinds for verdict in _run_kind(kind, chosen, arguments)]
    print(render(verdicts))
    say(f"measured in {time.monotonic() - begun:.0f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps(_report(verdicts, arguments), indent=2) + "\n")
    return 0


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="alternations a line; medians are taken (5)")
    parser.add_argument("--only", action="append", choices=[line.name for line in LINES], help="may be repeated")
    parser.add_argument("--database", choices=(*KINDS, "both"), default="both")
    parser.add_argument("--quick", action="store_true", help="few bytes, short rounds: shows that it runs, no more")
    parser.add_argument("--peer-only", action="store_true", help="measure docker-registry alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all samples there")
    return parser.parse_args(argv)


def _run_kind(kind: Kind, lines: list[Line], arguments: argparse.Namespace) -> list[Verdict]:
    verdicts = []
    for line in lines:
        if line.needs_hub and arguments.peer_only:
            continue
        say(f"{line.name} ({kind})")
        with a_run() as folder, database_servers(kind, folder, fsync=True) as servers:
            plan = Plan(
                rounds=arguments.rounds,
                quick=arguments.quick,
                with_hub=not arguments.peer_only,
                servers=servers,
                folder=folder,
            )
            verdicts.append(Verdict(line, kind, line.run(plan), arguments.quick))
    return verdicts


def render(verdicts: list[Verdict]) -> str:
    """The table as text; a star marks goals that a further condition spoils, which is named below."""
    rows: list[tuple[str, ...]] = [("work", "database", "hub", "beside it", "ratio", "goal", "met")]
    rows += [_row(verdict) for verdict in verdicts]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    text.insert(1, "  ".join("-" * width for width in widths))
    for verdict in verdicts:
        failed = [condition for condition, holds in verdict.measured.conditions.items() if not holds]
        text += [f"! {verdict.line.name} ({verdict.kind}): not held: {condition}" for condition in failed]
        text += [f"  {verdict.line.name} ({verdict.kind}): {name}: {value:,.2f}"
                 for name, value in verdict.measured.notes.items()]  # fmt: skip
    return "\n".join(text)


def _row(verdict: Verdict) -> tuple[str, ...]:
    line = verdict.line
    sign, unit = ("≥", "×") if line.bound == "at least" else ("≤", "×")
    if line.beside == "nothing":
        unit = f" {line.unit}"
    return (
        line.title,
        verdict.kind,
        _number(verdict.hub, line.unit),
        "" if line.beside == "nothing" else f"{_number(verdict.beside, line.unit)} {line.beside}",
        "" if line.beside == "nothing" or verdict.value is None else f"{verdict.value:.2f}×",
        f"{sign} {line.goal[verdict.kind]:g}{unit}",
        {True: "yes", False: "NO", None: "-"}[verdict.is_met],
    )


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:,.1f} {unit}"


def _report(verdicts: list[Verdict], arguments: argparse.Namespace) -> dict[str, object]:
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processors": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "rounds": arguments.rounds,
        "quick": arguments.quick,
        "lines": [verdict.as_json() for verdict in verdicts],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

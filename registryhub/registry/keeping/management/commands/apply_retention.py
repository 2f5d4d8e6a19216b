"""Apply the rules of retention now, while the hub serves."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from registryhub.registry.keeping import runs
from registryhub.registry.keeping.models import RetentionRun
from registryhub.registry.keeping.verdicts import Verdict, load_rules
from registryhub.registry.keeping.walk import Walk

_PAUSE_SECONDS = 0.5
_REQUESTED_BY = "apply_retention"


class Command(BaseCommand):
    help = "Delete the tags that rules of retention look at and none of them keeps. The hub may serve meanwhile."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("config", nargs="?", help="a config.yml of CNCF Distribution; without it: the defaults")
        parser.add_argument(
            "-d", "--dry-run", action="store_true", help="only say what becomes of each tag, and by which rule"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            self._try()
        else:
            self._apply()

    def _try(self) -> None:
        walk, looked_at, going = Walk(load_rules(), timezone.now()), 0, 0
        while judged := walk.take(runs.TAGS_AT_ONCE):
            for each in judged:
                self._tell(each.verdict)
                going += not each.verdict.is_kept
            looked_at += len(judged)
        self.stdout.write(f"{going} of {looked_at} tags would be deleted")

    def _apply(self) -> None:
        run = runs.request_run(_REQUESTED_BY)
        try:
            self._carry_out(run)
        except KeyboardInterrupt:
            sys.exit("stopped; the worker of the hub goes on with this run")
        if run.state == RetentionRun.State.FAILED:
            sys.exit(f"retention failed: {run.waits_for}")
        self.stdout.write(f"{run.deleted} of {run.looked_at} tags were deleted")

    def _carry_out(self, run: RetentionRun) -> None:
        """Runs that were asked for earlier come first."""
        while run.finished_at is None:
            oldest = RetentionRun.objects.filter(finished_at=None).order_by("pk")[0]
            if not runs.carry_out(oldest, lambda: False, self._tell):
                oldest.refresh_from_db()
                if oldest.waits_for:
                    sys.exit(f"retention waits: {oldest.waits_for}")
                time.sleep(_PAUSE_SECONDS)
            run.refresh_from_db()

    def _tell(self, verdict: Verdict) -> None:
        word = "keep" if verdict.is_kept else "delete"
        rule = f"{verdict.rule}: " if verdict.rule else ""
        self.stdout.write(f"{word} {verdict.repository}:{verdict.tag} {verdict.digest} ({rule}{verdict.reason})")

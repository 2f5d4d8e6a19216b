"""Take over a folder that docker-registry has filled, or rebuild a lost database from the disk tree."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from registryhub.processes.database import NoDatabase
from registryhub.processes.locks import AlreadyServed
from registryhub.processes.out_of_service import out_of_service
from registryhub.registry.drivers import configured_driver
from registryhub.registry.keeping.quotas import recount_all
from registryhub.registry.tree.disk import Tree
from registryhub.registry.tree.report import Report
from registryhub.registry.tree.standstill import StillServed, standstill
from registryhub.registry.tree.takeover import TakeoverRefused, take_over


class Command(BaseCommand):
    help = (
        "Take over the folder of a docker-registry in place: the database says afterwards what the disk tree says. "
        "The hub must not run. A run that was broken off goes on when it is started again."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("config", nargs="?", help="a config.yml of CNCF Distribution; without it: the defaults")
        parser.add_argument("--dry-run", action="store_true", help="only say what would be taken over")
        parser.add_argument(
            "--migrate", action="store_true", help="on PostgreSQL: bring the tables up to date before starting"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        report = Report(sys.stdout)
        limit = settings.HUB.hub.limits.manifest_bytes
        try:
            with out_of_service(settings.DATA_DIR, may_migrate=options["migrate"], output=sys.stderr), standstill():
                take_over(Tree(configured_driver()), report, most_manifest_bytes=limit, is_dry=options["dry_run"])
                recount_all()
        except KeyboardInterrupt:
            sys.exit(f"broken off after {report.words()}; start it again to go on")
        except (AlreadyServed, NoDatabase, StillServed, TakeoverRefused, OSError) as error:
            sys.exit(f"nothing is taken over: {error}" if not report.counts else f"after {report.words()}: {error}")
        report.say(f"{'would be taken over' if options['dry_run'] else 'taken over'}: {report.words()}")

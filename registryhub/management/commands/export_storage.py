"""Bring the disk tree up to the database, so that docker-registry can be started on the folder."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from registryhub.processes.database import NoDatabase
from registryhub.processes.locks import AlreadyServed
from registryhub.processes.out_of_service import out_of_service
from registryhub.registry.drivers import configured_driver
from registryhub.registry.tree.disk import Tree
from registryhub.registry.tree.handback import hand_back
from registryhub.registry.tree.report import Report
from registryhub.registry.tree.standstill import StillServed, standstill
from registryhub.storage.base import StorageError


class Command(BaseCommand):
    help = (
        "Bring the disk tree up to the database, so that docker-registry can be started on the folder. "
        "The hub must not run."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("config", nargs="?", help="a config.yml of CNCF Distribution; without it: the defaults")
        parser.add_argument(
            "--migrate", action="store_true", help="on PostgreSQL: bring the tables up to date before starting"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        report = Report(sys.stdout)
        try:
            with (
                out_of_service(settings.DATA_DIR, may_migrate=options["migrate"], output=sys.stderr),
                standstill() as still,
            ):
                hand_back(Tree(configured_driver()), report, still)
        except KeyboardInterrupt:
            sys.exit(f"broken off after {report.words()}; start it again to go on")
        except (AlreadyServed, NoDatabase, StillServed, StorageError, OSError) as error:
            sys.exit(f"the tree is not complete, after {report.words()}: {error}")
        report.say(f"the tree says what the database says: {report.words()}")

"""Start the hub."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from registryhub.processes.addresses import Refused
from registryhub.processes.database import NoDatabase
from registryhub.processes.locks import AlreadyServed
from registryhub.processes.roles import ROLES, UnknownRole, parse_roles
from registryhub.processes.start import Start


class Command(BaseCommand):
    help = "Start everything, or some roles, on this machine and keep it running. SIGTERM stops, SIGHUP reloads."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("config", nargs="?", help="a config.yml of CNCF Distribution; without it: the defaults")
        parser.add_argument(
            "--role", default=",".join(ROLES), metavar="ROLES", help=f"{', '.join(ROLES)} or several with commas (all)"
        )
        parser.add_argument(
            "--migrate", action="store_true", help="on PostgreSQL: bring the tables up to date before starting"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            Start(
                config=settings.HUB,
                data=settings.DATA_DIR,
                roles=parse_roles(options["role"]),
                may_migrate=options["migrate"],
                output=sys.stdout,
            ).run()
        except (UnknownRole, AlreadyServed, Refused, NoDatabase, OSError) as error:
            sys.exit(f"RegistryHub does not start: {error}")

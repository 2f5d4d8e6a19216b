"""Show what a configuration comes to, or all that is wrong with it."""

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from registryhub.config.errors import ConfigError
from registryhub.config.load import find_path, load_config
from registryhub.config.show import to_yaml


class Command(BaseCommand):
    help = "Print the effective configuration with secrets masked; exit with 1 and every mistake if it is broken."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("config", nargs="?", help="a config.yml of CNCF Distribution; without it: the defaults")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            config = load_config(find_path(options["config"], os.environ), os.environ)
        except ConfigError as error:
            self.stderr.write(str(error))
            sys.exit(1)
        self.stdout.write(to_yaml(config), ending="")
        for warning in config.warnings:
            self.stderr.write(f"warning: {warning}")

"""The debug server of the hub; `serve` starts this when `http.debug.addr` is set."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from registryhub.processes.addresses import Refused
from registryhub.processes.debug.serve import serve


class Command(BaseCommand):
    help = "Serve metrics, variables and health on http.debug.addr. Started by serve."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            serve(settings.HUB)
        except Refused as error:
            sys.exit(str(error))

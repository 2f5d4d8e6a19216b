"""The web processes of the hub; `serve` starts this."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from registryhub.processes.addresses import Refused
from registryhub.processes.web import serve


class Command(BaseCommand):
    help = "Serve the registry, the receiver, the API and the web UI. Started by serve."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            serve(settings.HUB)
        except Refused as error:
            sys.exit(str(error))

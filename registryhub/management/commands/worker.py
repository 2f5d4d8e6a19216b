"""The worker of the hub; `serve` starts this."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from registryhub.processes.worker import work


class Command(BaseCommand):
    help = "Carry out maintenance tasks, and send them when their time has come. Started by serve."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(work(folder=settings.BROKER_DIR))

"""Take journal segments to the intake, until SIGTERM."""

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from notifications.log.ship import Shipper


class Command(BaseCommand):
    help = "Take this node's journal segments to the database, until SIGTERM; then take what is left and exit."

    def handle(self, *args: Any, **options: Any) -> None:
        shipper = Shipper(settings.DATA_DIR / "journal")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: shipper.stop())
        shipper.run()

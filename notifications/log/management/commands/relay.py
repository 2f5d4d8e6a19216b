"""Number the events and hand them to every consumer, until SIGTERM."""

import gc
import signal
import sys
from typing import Any

from django.core.management.base import BaseCommand

from notifications.log.relay import Relay

SWITCH_SECONDS = 0.0005  # threads that send must not keep the interpreter from the one that writes


class Command(BaseCommand):
    help = "Number the events and hand them to every consumer (endpoints, counters …), until SIGTERM."

    def handle(self, *args: Any, **options: Any) -> None:
        relay = Relay()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: relay.stop())
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 50, 50)
        relay.run()

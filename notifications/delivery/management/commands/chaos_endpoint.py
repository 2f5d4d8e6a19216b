"""`manage.py chaos_endpoint`: a receiver that misbehaves, to try the keys of an endpoint on."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from notifications.delivery.chaos import MODES, RETRY_AFTER_SECONDS, SLOW_SECONDS, ChaosEndpoint


class Command(BaseCommand):
    help = (
        "Listen on this machine and misbehave, until it is interrupted: a receiver to try the keys of an endpoint on."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=0, help="where to listen; 0, the default, finds a free one")
        parser.add_argument(
            "--mode",
            choices=sorted(MODES),
            default="500",
            help=f"what requests get: slow answers after {SLOW_SECONDS:g} s, 429 asks for {RETRY_AFTER_SECONDS} s, "
            "half cuts the answer, huge never seems to end, tls shows a certificate that nobody can trust",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            endpoint = ChaosEndpoint(options["mode"], port=options["port"], tell=self.stdout.write)
        except (OSError, OverflowError) as error:
            raise CommandError(f"Port {options['port']} cannot be listened on: {error}.") from None
        with endpoint:
            signal.signal(signal.SIGTERM, signal.default_int_handler)
            self.stdout.write(f"{endpoint.url} answers {options['mode']}; stop it with Ctrl+C")
            try:
                threading.Event().wait()
            except KeyboardInterrupt:
                self.stdout.write(f"{endpoint.requests} requests came")

"""`python -m tests.servers.furnish`: give the configured hub its tables, the administrator and a token of theirs.

The token is printed. A hub that is handed the result starts in half the time.
"""

import os

import django
from django.core.management import call_command
from django.db import connection


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "registryhub.settings"
    django.setup()
    from registryhub.processes.administrator import NAME, ensure_administrator  # noqa: PLC0415  # needs the setup

    call_command("migrate", skip_checks=True, interactive=False, verbosity=0)
    ensure_administrator(os.environ["HUB_ADMIN_PASSWORD"])
    call_command("create_token", NAME)
    connection.close()  # so that SQLite's file is whole, without its write-ahead log


if __name__ == "__main__":
    main()

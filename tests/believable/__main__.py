"""`python -m tests.believable`: fill the configured, migrated and empty hub with the data of a busy team."""

import os
from random import Random

import django


def main() -> None:
    """Everything at once: half a hub would be no believable one."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "registryhub.settings"
    django.setup()
    from tests.believable.fill import fill  # noqa: PLC0415  # models need the setup

    fill(Random(7))


if __name__ == "__main__":
    main()

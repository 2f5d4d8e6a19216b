"""`manage.py create_token USERNAME`: a token for the REST API."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from registryhub.access.tokens import create_api_token


class Command(BaseCommand):
    help = "Make a token for the REST API and print it. It is shown once and not kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USERNAME")
        parser.add_argument("--label", default="", help="what the token is for")

    def handle(self, *args: Any, **options: Any) -> None:
        users = get_user_model().objects
        user = users.filter(username=options["username"]).first()
        if user is None:
            known = ", ".join(users.values_list("username", flat=True).order_by("username")[:10]) or "none yet"
            raise CommandError(
                f"There is no user {options['username']!r} (known: {known}). "
                "Make one in the admin or with `manage.py createsuperuser`."
            )
        self.stdout.write(create_api_token(user, label=options["label"]))

"""Row 1 of the sources is this hub; like Django's permissions it is made when tables are made or emptied."""

from typing import Any

from django.apps import AppConfig
from django.core.management.color import no_style
from django.db import connections

from registryhub.access.models import HUB_SOURCE_ID, HUB_SOURCE_NAME


def make_hub_source(sender: AppConfig, using: str, **_: Any) -> None:
    """Receiver of `post_migrate`."""
    source = sender.get_model("Source")
    made = source._default_manager.using(using).get_or_create(pk=HUB_SOURCE_ID, defaults={"name": HUB_SOURCE_NAME})
    if made[1]:  # a row with a number of its own does not move PostgreSQL's sequence
        connection = connections[using]
        with connection.cursor() as cursor:
            statements: list[str] = connection.ops.sequence_reset_sql(no_style(), [source])
            for statement in statements:
                cursor.execute(statement)

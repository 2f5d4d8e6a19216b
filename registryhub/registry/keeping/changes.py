"""Saving and removing what people say about keeping: pages, API and admin go through here."""

from django.db import transaction

from registryhub.registry.keeping import immutability, quotas
from registryhub.registry.keeping.models import ImmutableRule, Quota, RetentionRule

Row = RetentionRule | ImmutableRule | Quota


def save(row: Row) -> None:
    """Store a row that is valid; it is in force in this process at once. A quota knows what its namespace holds."""
    with transaction.atomic():
        row.save()
        if isinstance(row, Quota):
            quotas.recount(row.pk)
            row.refresh_from_db()
        transaction.on_commit(_forget)


def remove(row: Row) -> None:
    """Forget a row; what it forbade is allowed in this process at once."""
    with transaction.atomic():
        row.delete()
        transaction.on_commit(_forget)


def _forget() -> None:
    immutability.rules.forget()
    quotas.known.forget()

import pytest
from django.db import transaction
from django.utils import timezone

from notifications.log import intake
from notifications.log.models import Intake
from registryhub.access.models import HUB_SOURCE_ID


class Regret(Exception):
    """What a push may run into after its event was stored."""


@pytest.mark.django_db
def test_raw_bytes_are_stored_as_they_came() -> None:
    """Readable or not; when they came is known."""
    before = timezone.now()
    intake.store(source_id=HUB_SOURCE_ID, kind="event", raw=b"\x00\xff'raw")
    row = Intake.objects.get()
    assert (row.source_id, row.kind, bytes(row.raw)) == (HUB_SOURCE_ID, "event", b"\x00\xff'raw")
    assert before <= row.received_at <= timezone.now()


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_was_never_stored() -> None:
    """A change and its event commit together or not at all."""

    def push() -> None:
        with transaction.atomic():
            intake.store(source_id=HUB_SOURCE_ID, kind="event", raw=b"{}")
            raise Regret

    with pytest.raises(Regret):
        push()
    assert not Intake.objects.exists()

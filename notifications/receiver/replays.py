"""Signed messages that come again: each is taken once, however often somebody who has listened sends it."""

from datetime import timedelta

from django.utils import timezone

from notifications.receiver.models import SignedMessage
from notifications.signing import TOLERANCE_SECONDS
from registryhub.access.models import Source


def is_new(source: Source, message: str) -> bool:
    """Whether it was not taken before; now it is, on the caller's transaction. "" is a message of no known age.

    One that is older than the tolerance is refused by its time, so it need not be kept.
    """
    if not message:
        return True
    now = timezone.now()
    SignedMessage.objects.filter(expires_at__lt=now).delete()
    expires_at = now + timedelta(seconds=2 * TOLERANCE_SECONDS)
    return SignedMessage.objects.get_or_create(source=source, signature=message, defaults={"expires_at": expires_at})[1]

"""Slowing down whoever guesses passwords, before a slow hash is paid; in the database, for all processes."""

from datetime import timedelta
from ipaddress import IPv6Address, IPv6Network, ip_address

from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from registryhub.access.models import Guess

FREE_TRIES_OF_A_USER = 10
FREE_TRIES_OF_AN_ADDRESS = 100
MAX_WAIT_SECONDS = 300.0
FORGET_AFTER = timedelta(hours=1)


class Throttled(Exception):
    """Too many wrong passwords; `retry_after_seconds` says when the next try is looked at."""

    def __init__(self, retry_after_seconds: float) -> None:
        super().__init__(f"too many wrong passwords; try again in {retry_after_seconds:.0f} s")
        self.retry_after_seconds = retry_after_seconds


def check(address: str, username: str) -> None:
    """Raises Throttled while the pair or the address has to wait."""
    now = timezone.now()
    keys = [key for key, _ in _keys(address, username)]
    waits = Guess.objects.filter(key__in=keys, wait_until__gt=now).aggregate(latest=models.Max("wait_until"))
    if waits["latest"] is not None:
        raise Throttled((waits["latest"] - now).total_seconds())


def note_failure(address: str, username: str) -> None:
    """Count a wrong password; beyond the free tries the wait doubles with each, up to MAX_WAIT_SECONDS."""
    now = timezone.now()
    with transaction.atomic():
        Guess.objects.filter(failed_at__lt=now - FORGET_AFTER).delete()
        for key, free_tries in _keys(address, username):
            guess, _ = Guess.objects.get_or_create(key=key, defaults={"failed_at": now})
            Guess.objects.filter(pk=guess.pk).update(failures=F("failures") + 1, failed_at=now)
            excess = guess.failures + 1 - free_tries
            if excess > 0:
                wait_seconds = min(2.0**excess, MAX_WAIT_SECONDS)
                Guess.objects.filter(pk=guess.pk).update(wait_until=now + timedelta(seconds=wait_seconds))


def note_success(address: str, username: str) -> None:
    """A right password clears the pair; the address has to earn its trust by time."""
    key = _keys(address, username)[0][0]
    if Guess.objects.filter(key=key).exists():
        Guess.objects.filter(key=key).delete()


def _keys(address: str, username: str) -> tuple[tuple[str, int], tuple[str, int]]:
    host = _neighbourhood(address)
    return (f"{host} {username}"[:255], FREE_TRIES_OF_A_USER), (host[:255], FREE_TRIES_OF_AN_ADDRESS)


def _neighbourhood(address: str) -> str:
    """An IPv4 address without its port; of an IPv6 address the /64, since its owner has all of that."""
    try:
        found = ip_address(address)
    except ValueError:
        return address.rpartition(":")[0] or address
    return str(IPv6Network((int(found), 64), strict=False)) if isinstance(found, IPv6Address) else address

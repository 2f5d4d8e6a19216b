"""Who counts as the same guesser."""

import pytest

from registryhub.access import throttle
from registryhub.access.models import Guess

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:40000", "192.0.2.7"),
        ("2001:db8:0:1::7", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_guesses_are_counted_by_address(address: str, key: str) -> None:
    """Without the port; of IPv6 the whole network that one subscriber has, and nothing beyond it."""
    throttle.note_failure(address, "ann")
    assert set(Guess.objects.values_list("key", flat=True)) == {f"{key} ann", key}


def test_a_guesser_does_not_get_away_by_another_address_of_its_own() -> None:
    """2^64 of them are a subscriber's; the neighbour's are not."""
    for number in range(throttle.FREE_TRIES_OF_A_USER + 1):
        throttle.note_failure(f"2001:db8:0:1::{number}", "ann")
    with pytest.raises(throttle.Throttled):
        throttle.check("2001:db8:0:1:ffff::1", "ann")
    throttle.check("2001:db8:0:2::1", "ann")

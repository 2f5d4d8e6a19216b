"""kill -9 of a relay that sends a part of the log once more: nothing is left out. Real processes."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from notifications.delivery.endpoints import consumers
from notifications.delivery.models import Endpoint, Resend
from notifications.delivery.sending import ranges
from notifications.delivery.sending.resend import LETTERS
from tests.notifications.delivery.relays import SendingRelay
from tests.notifications.delivery.stage import configure, configured, ids, log_events, start_at
from tests.notifications.log.processes import end_of_leases
from tests.servers.server import wait_until
from tests.servers.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = 70
MOMENTS = {
    "when an event has arrived, which nobody has noted": ("dying(attempts.Attempts, 'succeed', 25)", 5),
    "before a page is written down": ("dying(resend.SideQueue, '_write_down', 2)", LETTERS),
    "within the transaction": ("dying(resend, 'settle_letters', 2)", LETTERS),
    "when a page has just been written down": ("dying(resend.SideQueue, '_write_down', 2, after=True)", 0),
}
"""Where it dies, and how many events come again."""
_IMPORTS = "from notifications.delivery.sending import attempts, resend\n"


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_next_relay_goes_on_with_what_was_not_written_down(tmp_path: Path, settings: Settings, moment: str) -> None:
    fault, repeated = MOMENTS[moment]
    log_events(COUNT)
    with WebhookReceiver() as receiver:
        ask_for_all(settings, receiver)
        endpoints: list[dict[str, Any]] = [{"name": "a", "url": receiver.url}]
        SendingRelay(tmp_path, "first", endpoints, fault=_IMPORTS + fault).run_until_it_dies()
        before = ids(receiver.events())
        end_of_leases()
        with SendingRelay(tmp_path, "second", endpoints):
            assert wait_until(lambda: Resend.objects.get().state == "done", 30)
    after = ids(receiver.events())[len(before) :]
    assert all(later == early + 1 for numbers in (before, after) for early, later in pairwise(numbers))
    assert (before[0], before[-1] - after[0] + 1, after[-1]) == (1, repeated, COUNT)
    done = Resend.objects.get()
    assert (done.position, done.sent, done.skipped, done.lost) == (COUNT, COUNT, 0, 0)


def ask_for_all(settings: Settings, receiver: WebhookReceiver) -> None:
    """Want the whole log sent again to an endpoint that has had all of it."""
    configure(settings, configured("a", receiver.url))
    consumers()
    start_at(COUNT, "a")
    ranges.ask_range(Endpoint.objects.get(), first=1, last=COUNT, by="ada")

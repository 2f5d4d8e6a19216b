"""The consumer of the log that keeps the disk tree: CNCF Distribution could take it over any time.

It lives off the hot path: a push only leaves its event, and what a thousand of them come to is written and synced
together. The position moves when it is safe on the disk, so after a crash the same is looked at again.
"""

import logging

from django.conf import settings

from notifications.log.consume import Feed, StreamConsumer
from notifications.log.listing import read_tail
from registryhub.database.transactions import relaxed_transaction
from registryhub.registry.drivers import configured_driver
from registryhub.registry.tree.changes import collect_changes
from registryhub.registry.tree.disk import Tree
from registryhub.registry.tree.mirror import mirror
from registryhub.registry.tree.reconcile import reconcile

NAME = "tree"
BATCH = 1000
_IDLE_SECONDS = 1.0
# Under a load of pulls the log grows all the time. It is looked at so often, and what was pushed since is one batch.
_PAUSE_SECONDS = 0.25

_logger = logging.getLogger(__name__)


def consumers() -> list[StreamConsumer]:
    """One, unless `hub.tree` is off; it begins at the beginning, so that it knows what each tag has pointed at."""
    return [StreamConsumer(NAME, run)] if settings.HUB.hub.tree else []


def run(feed: Feed) -> None:
    """Until the feed is stopped. What cannot be written is raised, and tried again later: nothing is passed over."""
    tree = Tree(configured_driver())
    if (tail := read_tail()) > 1 and feed.position < tail:
        _logger.warning("the log begins at event %d, the tree has seen none before it: comparing everything", tail)
        make_good(feed, tree)
    while not feed.stopping:
        if feed.wait(_IDLE_SECONDS) and not keep_up(feed, tree):
            feed.pause(_PAUSE_SECONDS)


def make_good(feed: Feed, tree: Tree) -> None:
    """Compare the whole tree with the rows, for whoever has missed events.

    When it is stopped in between, the position still stands where the log begins, and it is begun again.
    """
    for _ in reconcile(tree):
        if feed.stopping:
            return
    tree.driver.sync()


def keep_up(feed: Feed, tree: Tree) -> bool:
    """Bring the tree up to what the log says next; whether more may follow at once."""
    events, end = feed.read_changes(BATCH)
    if events:
        mirror(tree, collect_changes(events))
        tree.driver.sync()
    with relaxed_transaction():
        feed.move(end)
    return len(events) == BATCH

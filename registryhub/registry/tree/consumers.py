"""The consumer of the log that keeps the disk tree: CNCF Distribution could take it over any time.

It lives off the hot path: a push only leaves its event, and what a thousand of them come to is written and synced
together. The position moves when it is safe on the disk, so after a crash the same is looked at again.
"""

from django.conf import settings

from notifications.log.consume import Feed, StreamConsumer
from registryhub.database.transactions import relaxed_transaction
from registryhub.registry.drivers import configured_driver
from registryhub.registry.tree.changes import collect_changes
from registryhub.registry.tree.disk import Tree
from registryhub.registry.tree.mirror import mirror

NAME = "tree"
BATCH = 1000
_IDLE_SECONDS = 1.0
# Under a load of pulls the log grows all the time. It is looked at so often, and what was pushed since is one batch.
_PAUSE_SECONDS = 0.25


def consumers() -> list[StreamConsumer]:
    """One, unless `hub.tree` is off; it begins at the beginning, so that it knows what each tag has pointed at."""
    return [StreamConsumer(NAME, run)] if settings.HUB.hub.tree else []


def run(feed: Feed) -> None:
    """Until the feed is stopped. What cannot be written is raised, and tried again later: nothing is passed over."""
    tree = Tree(configured_driver())
    while not feed.stopping:
        if feed.wait(_IDLE_SECONDS) and not keep_up(feed, tree):
            feed.pause(_PAUSE_SECONDS)


def keep_up(feed: Feed, tree: Tree) -> bool:
    """Bring the tree up to what the log says next; whether more may follow at once."""
    events, end = feed.read_changes(BATCH)
    if events:
        mirror(tree, collect_changes(events))
        tree.driver.sync()
    with relaxed_transaction():
        feed.move(end)
    return len(events) == BATCH

"""Brings the disk tree up to the database, so that CNCF Distribution can be started on the folder."""

from notifications.log.consume import read_changes
from registryhub.registry.tree.changes import collect_changes
from registryhub.registry.tree.consumers import BATCH, keep_up
from registryhub.registry.tree.disk import Tree
from registryhub.registry.tree.mirror import mirror
from registryhub.registry.tree.reconcile import reconcile
from registryhub.registry.tree.report import Report
from registryhub.registry.tree.standstill import Standstill


def hand_back(tree: Tree, report: Report, still: Standstill) -> None:
    """What waits in the log comes first, since it alone knows what tags have pointed at; then everything, by the rows.

    Nobody may push meanwhile. Raises what driver and database raise; doing it again goes on.
    """
    while (events := still.sequencer.step()) is not None:
        report.add("events", len(events))
    still.head.reach(still.sequencer.head)
    _read_log(tree, still)
    for _ in reconcile(tree):
        report.add("repositories")
    tree.driver.sync()
    report.add("files written", tree.written)
    report.add("files and folders removed", tree.removed)


def _read_log(tree: Tree, still: Standstill) -> None:
    """From where the consumer is; without one all of it, which changes nothing that is right already."""
    if still.feed is not None:
        while still.feed.position < still.head.position:
            keep_up(still.feed, tree)
        return
    position = 0
    while position < still.head.position:
        events, position = read_changes(position, still.head.position, BATCH)
        mirror(tree, collect_changes(events))

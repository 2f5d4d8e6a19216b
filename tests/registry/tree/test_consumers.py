import threading
from pathlib import Path

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from notifications.log import leases
from notifications.log.consume import Head, Span
from notifications.log.models import Consumer, Event, LogTail
from registryhub.registry import tags
from registryhub.registry.tree import consumers as tree_consumers
from registryhub.registry.tree.disk import Tree
from registryhub.storage.base import StorageFull
from registryhub.storage.filesystem import FilesystemDriver
from tests.notifications.log.making import sequence_all, store
from tests.registry.stage import CONTEXT, changed, image_bytes, put
from tests.registry.tree.trees import (
    REPOSITORIES,
    current,
    files,
    follow,
    log_head,
    taken,
)
from tests.servers.server import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_looking_again_changes_nothing(root: Path, driver: FilesystemDriver) -> None:
    """From the beginning of the log, with everything in its place."""
    for text in ("one", "two"):
        put("app", image_bytes("app", text), tag="1")
    tags.delete(CONTEXT, "app", "1")
    put("app", image_bytes("app", "two"), tag="1")
    follow(driver)
    before = files(root)
    written_at = {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}
    Consumer.objects.update(position=0)
    follow(driver)
    assert files(root) == before
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()} == written_at


def test_what_a_loss_of_power_cut_off_is_written_again(root: Path, driver: FilesystemDriver) -> None:
    """The position had not moved, and a file that is cut off is shorter than it should be."""
    put("app", image_bytes("app", "one"), tag="1")
    follow(driver)
    before = files(root)
    for path in root.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:-1])
    Consumer.objects.update(position=0)
    follow(driver)
    assert files(root) == before


def test_ten_thousand_pushes_of_a_tag_cost_as_many_queries_as_ten(driver: FilesystemDriver) -> None:
    """They are looked at together."""
    content = image_bytes("app", "one")
    put("app", content, tag="1")
    follow(driver)
    counted = []
    for pushes in (10, 1000):
        for _ in range(pushes):
            put("app", content, tag="1")
        sequence_all()
        head = Head()
        head.reach(log_head())
        feed = taken(head)
        with CaptureQueriesContext(connection) as queries:
            tree_consumers.keep_up(feed, Tree(driver))
        leases.release(feed.lease)
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_the_position_moves_past_pulls(driver: FilesystemDriver) -> None:
    """They are no change, and nothing is written."""
    store("a", "b", "c")
    assert follow(driver) == 3
    assert Consumer.objects.get(name="tree").position == 3


def test_a_full_disk_leaves_the_position_where_it_was(
    root: Path, driver: FilesystemDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is raised, so that it is logged and tried again; when there is room everything comes into its place."""
    put("app", image_bytes("app", "one"), tag="1")

    def refuse(*_: object, **__: object) -> None:
        raise StorageFull("full")

    with monkeypatch.context() as patch:
        patch.setattr(driver, "write", refuse)
        with pytest.raises(StorageFull):
            follow(driver)
    assert Consumer.objects.get(name="tree").position == 0
    Consumer.objects.update(holder="")
    follow(driver)
    assert current("app", "1") in files(root, below=REPOSITORIES)


def test_the_disk_is_synced_before_the_position_moves(
    driver: FilesystemDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So a loss of power leaves nothing behind that is looked at no more."""
    put("app", image_bytes("app", "one"), tag="1")
    positions: list[int] = []
    monkeypatch.setattr(driver, "sync", lambda: positions.append(Consumer.objects.get(name="tree").position))
    follow(driver)
    assert positions == [0]


def test_what_was_removed_from_the_log_unseen_is_made_good_by_the_rows(
    root: Path, driver: FilesystemDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The consumer was off, or far behind, while old events went."""
    monkeypatch.setattr(tree_consumers, "configured_driver", lambda: driver)
    first = put("app", image_bytes("app", "one"), tag="1")
    sequence_all()
    Event.objects.all().delete()
    LogTail.objects.update_or_create(pk=1, defaults={"position": 1})
    put("app", image_bytes("app", "two"), tag="2")
    sequence_all()
    head = Head()
    head.reach(log_head())
    feed = taken(head)
    assert feed.position == 1

    def run() -> None:
        tree_consumers.run(feed)
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    assert wait_until(lambda: feed.position == 2, 10)
    feed.stop()
    thread.join(10)
    found = files(root, below=REPOSITORIES)
    assert found[current("app", "1")] == first.encode()
    assert current("app", "2") in found


def test_there_is_no_consumer_when_the_tree_is_switched_off(settings: Settings) -> None:
    """`hub.tree: false`."""
    assert [each.name for each in tree_consumers.consumers()] == ["tree"]
    settings.HUB = changed(settings.HUB, hub__tree=False)
    assert tree_consumers.consumers() == []


def test_it_runs_until_it_is_stopped_and_reads_seldom(
    root: Path, driver: FilesystemDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often the log grows: between two looks it pauses."""
    monkeypatch.setattr(tree_consumers, "configured_driver", lambda: driver)
    monkeypatch.setattr(tree_consumers, "_PAUSE_SECONDS", 30.0)
    head = Head()
    feed = taken(head)
    looked: list[int] = []
    plain = feed.read_changes

    def look(limit: int) -> Span:
        looked.append(feed.position)
        return plain(limit)

    monkeypatch.setattr(feed, "read_changes", look)

    def run() -> None:
        tree_consumers.run(feed)
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    put("app", image_bytes("app", "one"), tag="1")
    sequence_all()
    head.reach(log_head())
    assert wait_until(lambda: feed.position == 1, 10)
    for number in range(2, 200):
        head.reach(number)
    feed.stop()
    thread.join(10)
    assert looked == [0]
    assert current("app", "1") in files(root, below=REPOSITORIES)

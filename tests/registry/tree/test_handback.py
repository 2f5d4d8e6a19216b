import io
from pathlib import Path

import pytest
from pytest_django import Settings

from notifications.log import leases
from notifications.log.models import Consumer, LogHead
from registryhub.registry import tags
from registryhub.registry.models import BlobLink, Manifest, Tag
from registryhub.registry.tree import standstill as standing
from registryhub.registry.tree.disk import Tree
from registryhub.registry.tree.handback import hand_back
from registryhub.registry.tree.report import Report
from registryhub.registry.tree.standstill import StillServed, standstill
from registryhub.storage.filesystem import FilesystemDriver
from tests.registry.stage import CONTEXT, changed, image_bytes, put
from tests.registry.tree.trees import (
    BLOBS,
    REPOSITORIES,
    current,
    data,
    digest_text,
    files,
    follow,
    indexed,
    layer,
    revision,
)

pytestmark = pytest.mark.django_db(transaction=True)


def export(driver: FilesystemDriver) -> str:
    """What was printed."""
    output = io.StringIO()
    report = Report(output)
    with standstill() as still:
        hand_back(Tree(driver), report, still)
    report.say(report.words())
    return output.getvalue()


def push_twice() -> tuple[str, str]:
    first = put("team/app", image_bytes("team/app", "one"), tag="1")
    return first, put("team/app", image_bytes("team/app", "two"), tag="1")


def test_what_waits_in_the_log_is_in_the_tree_afterwards(root: Path, driver: FilesystemDriver) -> None:
    """With the past of each tag; the consumer stands at the head then, and its place is free."""
    first, second = push_twice()
    export(driver)
    found = files(root, below=REPOSITORIES)
    assert found[current("team/app", "1")] == second.encode()
    assert indexed("team/app", "1", first) in found
    assert LogHead.objects.get().position == Consumer.objects.get(name="tree").position == 2
    assert {LogHead.objects.get().holder, Consumer.objects.get().holder} == {""}


def test_a_tree_that_was_kept_equals_one_that_is_made_at_the_end(
    root: Path, driver: FilesystemDriver, tmp_path: Path, settings: Settings
) -> None:
    """Also of a hub with `hub.tree: false`, which has no consumer and gets none."""
    push_twice()
    settings.HUB = changed(settings.HUB, hub__tree=False)
    late = tmp_path / "late"
    export(FilesystemDriver(late))
    assert not Consumer.objects.exists()
    settings.HUB = changed(settings.HUB, hub__tree=True)
    follow(driver)
    assert files(late) == files(root)


def test_what_the_log_does_not_tell_is_found_by_the_rows(root: Path, driver: FilesystemDriver) -> None:
    """What is missing is written, what no row knows is removed; files that are right stay as they are."""
    first, second = push_twice()
    follow(driver)
    before = files(root)
    for name in (current("team/app", "1"), revision("team/app", second), layer("team/app", digest_text(b"config two"))):
        (root / REPOSITORIES / name).unlink()
    (root / BLOBS / data(first)).write_bytes(b"cut o")
    stranger = "sha256:" + "7" * 64
    strangers = (
        layer("team/app", stranger),
        revision("team/app", stranger),
        indexed("team/app", "1", stranger),
        current("team/app", "2"),
        current("gone", "1"),
    )
    for name in strangers:
        driver.write(f"{REPOSITORIES}/{name}", stranger.encode())
    printed = export(driver)
    assert files(root) == before
    assert "4 files written, 5 files and folders removed" in printed
    assert "0 files written, 0 files and folders removed" in export(driver)


def test_a_past_of_a_tag_that_is_still_a_manifest_stays(root: Path, driver: FilesystemDriver) -> None:
    """Only events know it, and they may be gone; a manifest that is gone is no past."""
    first, second = push_twice()
    export(driver)
    assert indexed("team/app", "1", first) in files(root, below=REPOSITORIES)
    Manifest.objects.get(digest=first).delete()
    export(driver)
    left = {name for name in files(root, below=REPOSITORIES) if "/tags/" in name}
    assert left == {current("team/app", "1"), indexed("team/app", "1", second)}


def test_uploads_are_no_part_of_it(root: Path, driver: FilesystemDriver) -> None:
    """They stay, wherever they are."""
    driver.write(f"{REPOSITORIES}/team/_uploads/id/data", b"half")
    driver.write(f"{REPOSITORIES}/{layer('team', 'sha256:' + '7' * 64)}", b"no row")
    export(driver)
    assert files(root) == {}
    assert (root / REPOSITORIES / "team/_uploads/id/data").read_bytes() == b"half"


def test_a_repository_that_was_emptied_is_empty_on_the_disk(root: Path, driver: FilesystemDriver) -> None:
    """As a collection leaves it, without an event."""
    push_twice()
    export(driver)
    tags.delete(CONTEXT, "team/app", "1")
    for model in (Tag, Manifest, BlobLink):
        model.objects.all().delete()
    export(driver)
    assert files(root, below=REPOSITORIES) == {}


def test_nobody_else_works_on_the_log_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither may a relay lead, nor one of another machine keep the tree; after a while it gives up."""
    monkeypatch.setattr(standing, "LEASE_SECONDS", 0.1)
    monkeypatch.setattr(leases, "LEASE_SECONDS", 60)
    with standstill() as still:
        assert leases.take(leases.HEAD, "relay") is None
        assert leases.take(leases.consumer_place("tree"), "relay") is None
        assert still.feed is not None
    relay = leases.take(leases.consumer_place("tree"), "relay")
    assert relay is not None
    with pytest.raises(StillServed, match="stop it"), standstill():
        pass
    assert LogHead.objects.get().holder == ""


def test_the_lease_of_one_that_was_killed_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs out by itself."""
    LogHead.objects.get_or_create(pk=1)
    monkeypatch.setattr(leases, "LEASE_SECONDS", 0.5)
    assert leases.take(leases.HEAD, "killed") is not None
    with standstill():
        assert LogHead.objects.get().holder != "killed"

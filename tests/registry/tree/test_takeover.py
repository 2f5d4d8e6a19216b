import io
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from notifications.log.models import Consumer, Event, Intake, LogHead
from registryhub.oci.digests import parse_digest
from registryhub.oci.media_types import OCI_INDEX, OCI_MANIFEST
from registryhub.registry import manifests, tags
from registryhub.registry.models import Blob, BlobLink, Manifest, ManifestReference, Tag
from registryhub.registry.tree.disk import Tree
from registryhub.registry.tree.report import Report
from registryhub.registry.tree.takeover import TakeoverRefused, take_over
from registryhub.storage.filesystem import FilesystemDriver
from tests.registry.stage import CONTEXT, changed_document, dump, image_bytes, image_for, index_bytes, put
from tests.registry.tree.trees import (
    BLOBS,
    REPOSITORIES,
    current,
    data,
    digest_text,
    files,
    follow,
    layer,
    revision,
)

pytestmark = pytest.mark.django_db(transaction=True)


class Broken(Exception):
    """Stands for a kill -9."""


class BreakingReport(Report):
    """Breaks off when it is told of something for the nth time."""

    def __init__(self, after: int) -> None:
        super().__init__(io.StringIO())
        self._left = after

    def add(self, noun: str, count: int = 1) -> None:
        super().add(noun, count)
        self._left -= 1
        if self._left == 0:
            raise Broken


def take(driver: FilesystemDriver, report: Report | None = None, *, is_dry: bool = False) -> str:
    """What was printed."""
    output = io.StringIO()
    report = report or Report(output)
    take_over(Tree(driver), report, most_manifest_bytes=4 << 20, is_dry=is_dry)
    report.say(report.words())
    return output.getvalue()


def put_blobs(root: Path, *contents: bytes) -> None:
    for content in contents:
        path = root / BLOBS / data(digest_text(content))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def push(root: Path, repository: str, text: str, *, tag: str = "", subject: bytes | None = None) -> bytes:
    """An image with all its bytes on the disk; its manifest."""
    content = image_bytes(repository, text)
    if subject is not None:
        descriptor = {"mediaType": OCI_MANIFEST, "digest": digest_text(subject), "size": len(subject)}
        content = changed_document(content, subject=descriptor)
    put_blobs(root, *(f"{part} {text}".encode() for part in ("config", "layer 0", "layer 1")))
    put(repository, content, tag=tag)
    return content


def push_for(driver: FilesystemDriver, repository: str, platform: str) -> bytes:
    """An image that says in its configuration what it runs on."""
    system, architecture = platform.split("/")
    content = image_for(driver, {"os": system, "architecture": architecture}, repository=repository)
    put(repository, content, driver=driver)
    return content


def filled(root: Path, driver: FilesystemDriver) -> None:
    """A tree with images, an index of two, a referrer, and tags that have moved."""
    one = push(root, "team/app", "one", tag="1")
    push(root, "team/app", "two", tag="latest")
    push(root, "team/app", "signature", subject=one)
    children = [push_for(driver, "team/multi", platform) for platform in ("linux/amd64", "linux/arm64")]
    put("team/multi", index_bytes(children), tag="latest", media_type=OCI_INDEX)
    push(root, "team", "three", tag="1")
    put("team/app", one, tag="latest")
    follow(driver)


def rows() -> dict[str, Any]:
    """Everything but ids and times."""
    return {
        "blobs": sorted(Blob.objects.values_list("digest", "size")),
        "links": sorted(BlobLink.objects.values_list("repository__name", "blob__digest")),
        "manifests": sorted(
            (*row, bytes(payload))
            for *row, payload in Manifest.objects.values_list(
                "repository__name", "digest", "media_type", "size", "artifact_type", "subject", "platforms", "payload"
            )
        ),
        "references": sorted(ManifestReference.objects.values_list("repository__name", "manifest__digest", "digest")),
        "tags": sorted(Tag.objects.values_list("repository__name", "name", "manifest__digest", "digest", "size")),
    }


def lose_database() -> None:
    for model in (Tag, ManifestReference, Manifest, BlobLink, Blob, Consumer, Event, Intake, LogHead):
        model.objects.all().delete()


def test_the_database_is_rebuilt_from_the_tree_alone(root: Path, driver: FilesystemDriver) -> None:
    """Every row, referrers and platforms too; and no event tells of it."""
    filled(root, driver)
    before, tree = rows(), files(root)
    assert {row[6] for row in before["manifests"]} == {"", "linux/amd64", "linux/arm64", "linux/amd64 linux/arm64"}
    lose_database()
    assert "5 repositories" not in (printed := take(driver))
    assert "3 repositories" in printed
    assert "skipped" not in printed
    assert rows() == before
    assert files(root) == tree
    assert not Intake.objects.exists()


def test_a_second_run_changes_nothing(root: Path, driver: FilesystemDriver) -> None:
    """Not even the times of rows."""
    filled(root, driver)
    lose_database()
    take(driver)
    before = [list(model.objects.order_by("pk").values()) for model in (Blob, BlobLink, Manifest, Tag)]
    assert take(driver) == "3 repositories\n"
    assert [list(model.objects.order_by("pk").values()) for model in (Blob, BlobLink, Manifest, Tag)] == before


def test_a_run_that_was_killed_is_gone_on_with(root: Path, driver: FilesystemDriver) -> None:
    """Wherever it was; and what it left then no collection takes for refuse."""
    filled(root, driver)
    before = rows()
    steps = 0
    while True:
        steps += 1
        lose_database()
        try:
            take(driver, BreakingReport(steps))
        except Broken:
            assert not BlobLink.objects.exclude(blob__digest__in=ManifestReference.objects.values("digest")).exists()
            assert not Blob.objects.exclude(links__isnull=False).exclude(digest__in=Manifest.objects.values("digest"))
        else:
            break
        take(driver)
        assert rows() == before
    assert steps > 8


def test_a_dry_run_tells_and_writes_nothing(root: Path, driver: FilesystemDriver) -> None:
    """Neither repositories nor anything in them."""
    filled(root, driver)
    lose_database()
    printed = take(driver, is_dry=True)
    assert "7 manifests" in printed
    assert rows() == {"blobs": [], "links": [], "manifests": [], "references": [], "tags": []}


def test_a_tag_has_moved_when_its_file_was_written(root: Path, driver: FilesystemDriver) -> None:
    """Not when it was taken over."""
    push(root, "app", "one", tag="1")
    follow(driver)
    written_at = datetime(2024, 2, 29, 12, tzinfo=UTC)
    os.utime(root / REPOSITORIES / current("app", "1"), (written_at.timestamp(),) * 2)
    lose_database()
    take(driver)
    assert Tag.objects.get().moved_at == written_at


def test_the_tree_is_the_truth(root: Path, driver: FilesystemDriver) -> None:
    """What another registry did to it meanwhile is taken over: tags moved and deleted, manifests and layers gone."""
    one = push(root, "app", "one", tag="moved")
    two = push(root, "app", "two", tag="deleted")
    push(root, "app", "three", tag="three")
    push(root, "gone", "four", tag="1")
    follow(driver)
    driver.write(f"{REPOSITORIES}/{current('app', 'moved')}", digest_text(two).encode())
    driver.delete(f"{REPOSITORIES}/app/_manifests/tags/deleted")
    three = Tag.objects.get(name="three").digest
    (root / REPOSITORIES / revision("app", three)).unlink()
    (root / REPOSITORIES / layer("app", digest_text(b"layer 0 three"))).unlink()
    driver.delete(f"{REPOSITORIES}/app/_manifests/tags/three")
    driver.delete(f"{REPOSITORIES}/gone")
    printed = take(driver)
    assert list(Tag.objects.values_list("repository__name", "name", "digest")) == [("app", "moved", digest_text(two))]
    assert {*Manifest.objects.values_list("repository__name", "digest")} == {
        ("app", digest_text(one)),
        ("app", digest_text(two)),
    }
    assert not BlobLink.objects.filter(repository__name="gone").exists()
    assert not BlobLink.objects.filter(blob__digest=digest_text(b"layer 0 three")).exists()
    assert "1 emptied repositories" in printed
    assert not Intake.objects.filter(kind="event").exists()


def test_a_database_that_is_ahead_of_the_tree_is_not_undone(root: Path, driver: FilesystemDriver) -> None:
    """Whether the pushes wait in the intake or for the consumer."""
    push(root, "app", "one", tag="1")
    follow(driver)
    push(root, "app", "two", tag="1")
    with pytest.raises(TakeoverRefused, match="export_storage"):
        take(driver)
    follow(driver)
    Consumer.objects.update(position=1)
    with pytest.raises(TakeoverRefused, match="export_storage"):
        take(driver)


def test_a_folder_without_repositories_is_not_taken_for_an_empty_registry(root: Path, driver: FilesystemDriver) -> None:
    """Somebody has named the wrong one."""
    push(root, "app", "one", tag="1")
    follow(driver)
    with pytest.raises(TakeoverRefused, match="rootdirectory"):
        take(FilesystemDriver(root / "elsewhere"))
    assert Tag.objects.exists()


def test_what_cannot_be_read_is_told_and_left_out(root: Path, driver: FilesystemDriver) -> None:
    """Manifests of schema 1, damaged and lost ones, links to nowhere; all else comes in."""
    good = push(root, "app", "good", tag="good")
    push(root, "app", "lost", tag="lost")
    push(root, "app", "damaged", tag="damaged")
    follow(driver)
    lost, damaged = (Tag.objects.get(name=name).digest for name in ("lost", "damaged"))
    (root / BLOBS / data(lost)).unlink()
    (root / BLOBS / data(damaged)).write_bytes(b"{}")
    old = dump({"schemaVersion": 1, "fsLayers": []})
    put_blobs(root, old)
    for name in (revision("app", digest_text(old)), current("app", "old")):
        driver.write(f"{REPOSITORIES}/{name}", digest_text(old).encode())
    driver.write(f"{REPOSITORIES}/{current('app', 'empty')}", b"")
    driver.write(f"{REPOSITORIES}/app/_manifests/tags/linkless/index/nothing", b"")
    driver.write(f"{REPOSITORIES}/{layer('app', 'sha256:' + '5' * 64)}", b"sha256:" + b"5" * 64)
    driver.write(f"{REPOSITORIES}/Host:5000/app/_manifests/tags/1/current/link", digest_text(good).encode())
    lose_database()
    printed = take(driver)
    assert [*Tag.objects.values_list("name", flat=True)] == ["good"]
    assert [*Manifest.objects.values_list("digest", flat=True)] == [digest_text(good)]
    for words in (
        f"skipped manifest app@{lost}: its bytes are not there",
        f"skipped manifest app@{damaged}: its bytes are damaged",
        f"skipped manifest app@{digest_text(old)}: it is of schema 1",
        "skipped tag app:old: its manifest",
        "skipped tag app:empty: it has no link",
        "skipped tag app:linkless: it has no link",
        "5: its bytes are not there",
        "skipped repository Host:5000",
    ):
        assert words in printed, words


def test_what_an_unreadable_manifest_may_refer_to_is_left_alone(root: Path, driver: FilesystemDriver) -> None:
    """Once taken over, a garbage collection would find layers that nobody refers to."""
    push(root, "app", "good", tag="good")
    push(root, "app", "damaged", tag="damaged")
    follow(driver)
    (root / BLOBS / data(Tag.objects.get(name="damaged").digest)).write_bytes(b"{}")
    lose_database()
    take(driver)
    linked = {*BlobLink.objects.values_list("blob__digest", flat=True)}
    assert linked == {digest_text(part) for part in (b"config good", b"layer 0 good", b"layer 1 good")}


def test_a_part_that_is_not_linked_is_told_and_not_linked(root: Path, driver: FilesystemDriver) -> None:
    """The reference would not serve it from here, though another repository has it."""
    content = push(root, "app", "one", tag="1")
    push(root, "other", "one", tag="1")
    follow(driver)
    part = digest_text(b"layer 0 one")
    driver.delete(f"{REPOSITORIES}/{layer('app', part)}")
    lose_database()
    printed = take(driver)
    assert f"manifest app@{digest_text(content)}: 1 of its parts are not in the repository, {part} is one" in printed
    assert [*BlobLink.objects.filter(blob__digest=part).values_list("repository__name", flat=True)] == ["other"]


def test_a_manifest_without_a_media_type_is_told_by_what_is_in_it(root: Path, driver: FilesystemDriver) -> None:
    """An index has `manifests`."""
    children = [push(root, "app", "one")]
    image = json.loads(children[0])
    index = json.loads(index_bytes(children))
    for document in (image, index):
        del document["mediaType"]
    put("app", dump(image), tag="image")
    put("app", dump(index), tag="index", media_type=OCI_INDEX)
    follow(driver)
    before = rows()
    lose_database()
    take(driver)
    assert rows() == before
    assert {*Tag.objects.values_list("name", "media_type")} == {("image", OCI_MANIFEST), ("index", OCI_INDEX)}


def test_what_a_deletion_left_is_nothing(root: Path, driver: FilesystemDriver) -> None:
    """The reference removes the link and leaves its folder."""
    push(root, "app", "one", tag="1")
    content = push(root, "app", "two")
    follow(driver)
    (root / REPOSITORIES / revision("app", digest_text(content))).unlink()
    lose_database()
    assert "skipped" not in take(driver)
    assert Manifest.objects.count() == 1


def test_tags_and_manifests_deleted_by_the_hub_stay_deleted(root: Path, driver: FilesystemDriver) -> None:
    """After the tree has followed, they are in neither."""
    content = push(root, "app", "one", tag="1")
    push(root, "app", "two", tag="2")
    tags.delete(CONTEXT, "app", "2")
    manifests.delete(CONTEXT, "app", str(parse_digest(digest_text(content))))
    follow(driver)
    before = rows()
    lose_database()
    take(driver)
    after = rows()
    assert (after["manifests"], after["tags"]) == (before["manifests"], before["tags"])

from datetime import UTC, datetime, timedelta

import pytest

from notifications.analytics.classify import deed, happened_at, kind_of
from notifications.analytics.sessions import Kind

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)

DOCKER = "application/vnd.docker.distribution.manifest"
OCI = "application/vnd.oci.image"


@pytest.mark.parametrize(
    "media_type",
    [
        f"{DOCKER}.v1+json",
        f"{DOCKER}.v1+prettyjws",
        f"{DOCKER}.v2+json",
        f"{DOCKER}.list.v2+json",
        f"{OCI}.manifest.v1+json",
        f"{OCI}.index.v1+json",
        f"{OCI}.Index.v1+JSON; charset=utf-8",
    ],
)
def test_every_kind_of_manifest_counts_also_by_digest(media_type: str) -> None:
    """OCI types too: receivers that knew only Docker's showed an empty page."""
    assert deed("pull", method="GET", media_type=media_type, tag="") == "pull"
    assert deed("push", method="PUT", media_type=media_type, tag="") == "push"
    assert deed("check", method="HEAD", media_type=media_type, tag="v1") == "check"


def test_a_head_is_a_check_and_no_pull() -> None:
    """Other registries report it as a pull; only the method tells."""
    found = {method: deed("pull", method=method, media_type=f"{OCI}.index.v1+json", tag="v1") for method in METHODS}
    assert found == {"GET": "pull", "HEAD": "check", "head": "check", "": "pull"}


METHODS = ("GET", "HEAD", "head", "")


@pytest.mark.parametrize(
    "media_type",
    ["application/octet-stream", "application/vnd.docker.image.rootfs.diff.tar.gzip", f"{OCI}.config.v1+json", ""],
)
def test_blobs_are_only_fetched(media_type: str) -> None:
    """One pull of an image moves many of them; looking at them and pushing them counts for nothing."""
    found = {
        (action, method): deed(action, method=method, media_type=media_type, tag="")
        for action, method in (("pull", "GET"), ("pull", "HEAD"), ("push", "PUT"), ("check", "HEAD"))
    }
    assert found.pop(("pull", "GET")) == "blob"
    assert set(found.values()) == {None}


def test_what_has_a_tag_is_a_manifest_of_whatever_type() -> None:
    """Nothing else can be tagged; but what calls itself bytes is bytes."""
    assert deed("pull", method="GET", media_type="application/vnd.acme.model+json", tag="v1") == "pull"
    assert deed("push", method="PUT", media_type="", tag="v1") == "push"
    assert deed("pull", method="GET", media_type="application/octet-stream", tag="v1") == "blob"


def test_deletes_count_for_nothing() -> None:
    """A mount is told as what it is."""
    media_type = f"{OCI}.manifest.v1+json"
    assert deed("delete", method="", media_type=media_type, tag="v1") is None
    assert deed("mount", method="", media_type="", tag="") == "mount"


def test_an_attachment_is_told_by_its_tag_or_by_what_is_known() -> None:
    """Signatures of older clients are tagged with the digest that they are for."""
    index = f"{OCI}.index.v1+json"
    image = f"{OCI}.manifest.v1+json"
    assert kind_of(image, f"sha256-{'a' * 64}.sig") == Kind.ATTACHED
    assert kind_of(index, f"sha256-{'a' * 64}") == Kind.ATTACHED
    assert kind_of(image, f"sha256-{'a' * 63}.sig") == Kind.IMAGE
    assert kind_of(image, "v1", is_attached=True) == Kind.ATTACHED
    assert kind_of(index, "") == Kind.INDEX


def test_the_clock_of_the_source_counts_unless_it_cannot_be_right() -> None:
    """Late events keep their time; the future and the time before registries are cut to the receipt."""
    late = NOON - timedelta(days=400)
    assert happened_at(late, NOON) == late
    assert happened_at(NOON + timedelta(minutes=59), NOON) == NOON + timedelta(minutes=59)
    assert happened_at(NOON + timedelta(minutes=61), NOON) == NOON
    assert happened_at(datetime(9999, 12, 31, tzinfo=UTC), NOON) == NOON
    assert happened_at(datetime(1, 1, 1, tzinfo=UTC), NOON) == NOON

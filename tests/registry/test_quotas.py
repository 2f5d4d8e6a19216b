"""Quotas: what a namespace may hold, counted in the transactions that link and unlink."""

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from registryhub.oci.digests import digest_of
from registryhub.oci.errors import OciError
from registryhub.registry import blobs, uploads
from registryhub.registry.keeping import quotas
from registryhub.registry.keeping.models import Quota
from registryhub.registry.models import Blob, BlobLink
from registryhub.registry.room import Store
from tests.registry.keeping import nothing_remembered, quota
from tests.registry.stage import CONTEXT, link_blob, stored_events
from tests.registry.stores import body, leftovers, store_in, stored
from tests.registry.uploading import push

__all__ = ["nothing_remembered"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_remembered")]

KIB = bytes(1024)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return store_in(tmp_path, "memory")


def content(number: int) -> bytes:
    """1 KiB, each another one."""
    return number.to_bytes(4, "big") * 256


def used(namespace: str = "team") -> int:
    return Quota.objects.get(namespace=namespace).used_bytes


def refused(store: Store, data: bytes, repository: str = "team/app") -> OciError:
    with pytest.raises(OciError) as caught:
        push(store, data, repository=repository)
    assert (caught.value.code.code, caught.value.code.status) == ("DENIED", 403)
    return caught.value


def test_a_push_beyond_the_quota_is_refused_in_words(store: Store) -> None:
    """With what is used, what may be, and what the push brings; nothing of it stays."""
    quota("team", 2500)
    for number in (1, 2):
        push(store, content(number), repository="team/app")
    assert used() == 2048
    told = len(stored_events())
    error = refused(store, content(3))
    assert "the quota of team is used up: 2 kB of 2.5 kB are in use, and this push brings 1 kB" in error.message
    assert error.detail == {"namespace": "team", "used_bytes": 2048, "limit_bytes": 2500, "coming_bytes": 1024}
    assert used() == 2048
    assert stored(store, digest_of(content(3))) is None
    assert Blob.objects.count() == 2
    assert len(stored_events()) == told


def test_a_body_of_unknown_length_is_refused_at_its_end(store: Store) -> None:
    """Its upload is forgotten with its bytes."""
    quota("team", 1000)
    at = uploads.append(store, uploads.start(store, "team/app"), body(content(1), None))
    with pytest.raises(OciError) as caught:
        uploads.finish(store, CONTEXT, at, body(b""), digest_of(content(1)))
    assert caught.value.code.code == "DENIED"
    assert (used(), Blob.objects.count()) == (0, 0)
    assert leftovers(store, "team/app") == []


def test_a_full_namespace_begins_no_uploads(store: Store) -> None:
    """Before a byte is sent."""
    quota("team", 1024)
    push(store, content(1), repository="team/app")
    with pytest.raises(OciError) as caught:
        uploads.start(store, "team/other")
    assert "1 kB of 1 kB are in use;" in caught.value.message
    uploads.start(store, "elsewhere/app")


def test_a_blob_counts_once_in_each_repository(store: Store) -> None:
    """However often it is pushed there."""
    quota("team", 10_000)
    for repository in ("team/app", "team/app", "team/web", "team", "teams/app"):
        push(store, content(1), repository=repository)
    assert used() == 3 * 1024 == quotas.held_by("team")


def test_a_mount_counts_as_a_push(store: Store) -> None:
    """It is refused the same way."""
    quota("team", 1500)
    for number in (1, 2):
        push(store, content(number), repository="other/app")
    assert blobs.mount_blob(store.driver, CONTEXT, "team/app", digest_of(content(1)), "other/app")
    assert used() == 1024
    with pytest.raises(OciError) as caught:
        blobs.mount_blob(store.driver, CONTEXT, "team/app", digest_of(content(2)), "other/app")
    assert caught.value.code.code == "DENIED"
    assert blobs.mount_blob(store.driver, CONTEXT, "team/app", digest_of(content(1)), "other/app")
    assert used() == 1024


def test_every_namespace_above_must_have_room(store: Store) -> None:
    """The inner one is not charged for what the outer one refuses."""
    quota("team", 1500)
    quota("team/app", 10_000)
    push(store, content(1), repository="team/app/web")
    error = refused(store, content(2), "team/app/web")
    assert error.detail["namespace"] == "team"
    assert (used(), used("team/app")) == (1024, 1024)


def test_what_is_removed_makes_room(store: Store) -> None:
    """At once."""
    quota("team", 1500)
    push(store, content(1), repository="team/app")
    refused(store, content(2))
    blobs.unlink_blob(CONTEXT, "team/app", digest_of(content(1)))
    assert used() == 0
    push(store, content(2), repository="team/app")


def test_what_is_collected_makes_room(store: Store) -> None:
    """In the transaction that removes the links."""
    quota("team", 10_000)
    for repository in ("team/app", "team/web"):
        push(store, content(1), repository=repository)
    ids = BlobLink.objects.values_list("repository_id", flat=True)
    quotas.released_by(dict.fromkeys(ids, 1024))
    assert used() == 0


def test_pushes_at_once_never_go_beyond_the_quota(store: Store) -> None:
    """Of six there is room for three."""
    quota("team", 3500)
    quota("team/app", 100_000)
    start, refusals = threading.Barrier(6), []

    def push_one(number: int) -> None:
        try:
            at = uploads.append(store, uploads.start(store, "team/app"), body(content(number)))
            start.wait()
            uploads.finish(store, CONTEXT, at, body(b""), digest_of(content(number)))
        except OciError as error:
            refusals.append(error.code.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=push_one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refusals == ["DENIED"] * 3
    assert used() == used("team/app") == quotas.held_by("team") == 3 * 1024


def test_a_refused_push_that_lost_a_race_may_be_sent_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes are in their place already, without a row; with more room the closing request alone is enough."""
    made = quota("team", 1000)
    with monkeypatch.context() as patch:
        patch.setattr(quotas, "require_room", lambda *arguments: None)
        at = uploads.append(store, uploads.start(store, "team/app"), body(content(1)))
        with pytest.raises(OciError) as caught:
            uploads.finish(store, CONTEXT, at, body(b""), digest_of(content(1)))
    assert caught.value.code.code == "DENIED"
    assert not Blob.objects.exists()
    Quota.objects.filter(pk=made.pk).update(limit_bytes=2000)
    uploads.finish(store, CONTEXT, at, body(b""), digest_of(content(1)))
    assert used() == 1024


def test_a_recount_mends_what_was_miscounted() -> None:
    """Each quota by what its repositories link."""
    for repository in ("team/app", "team/web", "other/app"):
        link_blob(repository, KIB)
    made = Quota.objects.create(namespace="team", limit_bytes=10, used_bytes=7)
    made.counted_at -= timedelta(days=3)
    made.save()
    quotas.recount_all()
    made.refresh_from_db()
    assert (made.used_bytes, made.percent) == (2048, 20480)
    assert quotas.recount(made.pk + 1) is None


def test_without_quotas_a_push_asks_nothing_more(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which quotas there are is remembered for two seconds."""
    assert quotas.covering("team/app") == []

    def never(*arguments: object) -> None:
        raise AssertionError("a quota was looked at")

    monkeypatch.setattr(quotas, "charge", never)
    monkeypatch.setattr(quotas._FIND, "one", never)
    monkeypatch.setattr(quotas._NAME, "one", never)
    monkeypatch.setattr(quotas._LOAD, "all", never)
    push(store, content(1), repository="team/app")
    blobs.unlink_blob(CONTEXT, "team/app", digest_of(content(1)))

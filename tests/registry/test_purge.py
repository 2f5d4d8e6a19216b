"""Unfinished uploads are forgotten after a while (reference E.6)."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.utils import timezone

from registryhub.oci.digests import digest_of
from registryhub.registry import tasks, uploads
from registryhub.registry.models import Upload
from registryhub.registry.progress import Progress
from registryhub.registry.purge import purge_uploads
from registryhub.registry.room import Store
from registryhub.storage import paths
from tests.registry.stage import CONTEXT, changed
from tests.registry.stores import KINDS, body, leftovers, store_in, stored

pytestmark = pytest.mark.django_db(transaction=True)

DAY_SECONDS = 86_400.0


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return store_in(tmp_path, request.param)


def age(begun: Progress, *, began_days: float, grew_days: float) -> None:
    """Let an upload have begun, and last grown, so many days ago."""
    now = timezone.now()
    began_at, grew_at = now - timedelta(days=began_days), now - timedelta(days=grew_days)
    Upload.objects.filter(pk=begun.id).update(started_at=began_at, updated_at=grew_at)


def leave_folder(store: Store, repository: str, *, began_days: float) -> UUID:
    """What CNCF Distribution has of an upload that began so many days ago."""
    upload_id = uuid4()
    began_at = timezone.now() - timedelta(days=began_days)
    stamp = began_at.strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    store.driver.write(paths.upload_started_at(repository, upload_id), stamp)
    store.driver.write(f"{paths.upload(repository, upload_id)}/data", b"half of it")
    return upload_id


def test_only_uploads_that_are_old_and_quiet_go(store: Store) -> None:
    """A young one stays, and so does an old one that still grows."""
    names = ["a", "a/b", "c/d/e"]
    old, growing, young = (uploads.start(store, name) for name in names)
    age(old, began_days=2, grew_days=1.5)
    age(growing, began_days=2, grew_days=0.5)
    age(young, began_days=0.5, grew_days=0.5)
    assert purge_uploads(store, DAY_SECONDS) == 1
    assert set(Upload.objects.values_list("repository_name", flat=True)) == {"a/b", "c/d/e"}
    assert [len(leftovers(store, name)) for name in names] == [0, 1, 1]
    assert purge_uploads(store, DAY_SECONDS) == 0


def test_an_upload_that_is_being_written_to_stays(store: Store) -> None:
    """However old it is."""
    begun = uploads.start(store, "app")
    age(begun, began_days=9, grew_days=9)
    with store.driver.open_appender(paths.upload("app", begun.id)):
        assert purge_uploads(store, DAY_SECONDS) == 0
    assert purge_uploads(store, DAY_SECONDS) == 1


def test_folders_of_another_registry_go_by_their_own_date(store: Store) -> None:
    """It used the tree before, and its clients will not come back for them."""
    leave_folder(store, "deep/er/app", began_days=3)
    young = leave_folder(store, "deep/er/app", began_days=0.5)
    assert purge_uploads(store, DAY_SECONDS) == 1
    assert leftovers(store, "deep/er/app") == [str(young)]


@pytest.mark.parametrize("left", ["", "/data", "/startedat"])
def test_what_a_dying_process_left_goes_by_its_age(store: Store, left: str) -> None:
    """Ours had not written the row yet; another's not the date, or had removed it already."""
    half = f"{paths.upload('app', uuid4())}{left}"
    store.driver.write(half, b"" if left == "/startedat" else b"bytes", is_durable=False)
    assert purge_uploads(store, DAY_SECONDS) == 0
    assert purge_uploads(store, -60) == 1
    assert leftovers(store, "app") == []


def test_a_row_without_a_file_goes_too(store: Store) -> None:
    """Whoever removed the files by hand does not leave the row behind."""
    begun = uploads.start(store, "app")
    age(begun, began_days=3, grew_days=3)
    store.driver.delete(paths.upload("app", begun.id))
    assert purge_uploads(store, DAY_SECONDS) == 1
    assert not Upload.objects.exists()


def test_what_is_no_upload_is_left_alone(store: Store) -> None:
    """Blobs, links, folders with other names, dates nobody can read."""
    content = b"content"
    uploads.store_blob(store, CONTEXT, "app", body(content), digest_of(content))
    kept = [
        paths.upload_started_at("app", uuid4()),
        f"{paths.uploads_folder('app')}/no-id/startedat",
        f"{paths.repository_folder('app')}/_layers/sha256/abc/link",
    ]
    for path in kept:
        store.driver.write(path, b"once upon a time")
    assert purge_uploads(store, 0.0) == 0
    assert all(store.driver.size(path) for path in kept)
    assert stored(store, digest_of(content)) == content


def test_a_dry_run_only_counts(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """The log says what it would do, in the words of the reference."""
    leave_folder(store, "app", began_days=3)
    age(uploads.start(store, "app"), began_days=3, grew_days=3)
    with caplog.at_level("INFO"):
        assert purge_uploads(store, DAY_SECONDS, is_dry_run=True) == 2
    assert "PurgeUploads starting: olderThan=" in caplog.text
    assert "actuallyDelete=false" in caplog.text
    assert "Purge uploads finished.  Num deleted=2, num errors=0" in caplog.text
    assert len(leftovers(store, "app")) == 2
    assert Upload.objects.count() == 1
    assert purge_uploads(store, DAY_SECONDS) == 2
    assert leftovers(store, "app") == []


def test_one_that_cannot_be_removed_holds_up_nobody(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is counted in the log."""
    for _ in range(2):
        leave_folder(store, "app", began_days=3)
    delete = store.driver.delete

    def refuse_once(path: str) -> None:
        monkeypatch.setattr(store.driver, "delete", delete)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(store.driver, "delete", refuse_once)
    with caplog.at_level("INFO"):
        assert purge_uploads(store, DAY_SECONDS) == 1
    assert "Num deleted=1, num errors=1" in caplog.text


@pytest.mark.parametrize(("is_enabled", "is_dry"), [(True, False), (True, True), (False, False)])
def test_the_task_does_what_the_configuration_says(
    store: Store, monkeypatch: pytest.MonkeyPatch, is_enabled: bool, is_dry: bool
) -> None:
    """Off, dry or in earnest, after the age that is set."""
    purging = "storage__maintenance__uploadpurging__"
    values = {"enabled": is_enabled, "dryrun": is_dry, "age_seconds": DAY_SECONDS}
    changes = {f"{purging}{key}": value for key, value in values.items()}
    monkeypatch.setattr(settings, "HUB", changed(settings.HUB, **changes))
    monkeypatch.setattr(tasks, "configured_driver", lambda: store.driver)
    age(uploads.start(store, "app"), began_days=3, grew_days=3)
    tasks.purge_uploads()
    assert len(leftovers(store, "app")) == (0 if is_enabled and not is_dry else 1)


def test_an_empty_storage_has_nothing_to_purge(store: Store) -> None:
    """Before the first push there are no folders at all."""
    assert purge_uploads(store, 0.0) == 0

"""`manage.py check_storage` finds what is wrong, says how to mend it, and changes nothing."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command

from registryhub.oci.digests import Digest, digest_of
from registryhub.registry.collect import check
from registryhub.registry.management.commands import check_storage
from registryhub.registry.models import Blob, BlobLink
from registryhub.registry.room import Store
from registryhub.storage import paths
from tests.registry.collecting import push_blob, push_image
from tests.registry.stores import KINDS, store_in, stored

pytestmark = pytest.mark.django_db(transaction=True)

CONTENT = b"0123456789" * 100


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store with one image, which is what the configuration names."""
    made = store_in(tmp_path, request.param)
    monkeypatch.setattr(check_storage, "configured_driver", lambda: made.driver)
    monkeypatch.setattr(check, "SETTLED_SECONDS", 0.0)
    push_image(made, "app", "whole", "v1")
    return made


def data(digest: Digest) -> str:
    return paths.blob_data(digest.algorithm, digest.hex)


def problems(*arguments: str) -> list[str]:
    """The lines of a check that finds something. Raises Failed when it finds nothing."""
    out = io.StringIO()
    with pytest.raises(SystemExit) as caught:
        call_command("check_storage", *arguments, stdout=out, stderr=io.StringIO())
    lines = out.getvalue().splitlines()
    assert caught.value.code == f"{len(lines)} problems; nothing was changed"
    return lines


def test_all_is_well(store: Store) -> None:
    """Exit status 0, with and without reading every byte."""
    for arguments in ((), ("--digests",)):
        out = io.StringIO()
        call_command("check_storage", *arguments, stdout=out)
        assert out.getvalue() == "the storage is as the database says\n"


def test_lost_bytes_are_found_and_who_must_push_them(store: Store) -> None:
    """A blob deleted by hand."""
    digest = push_blob(store, "team/lost", CONTENT)
    store.driver.delete(paths.blob_folder(digest.algorithm, digest.hex))
    assert problems() == [f"{digest}: has a row but no bytes; push it again to team/lost"]
    assert Blob.objects.filter(digest=str(digest)).exists()


def test_a_truncated_blob_is_found(store: Store) -> None:
    """Its size is compared without reading it; pushing it again mends it."""
    digest = push_blob(store, "app", CONTENT)
    store.driver.write(data(digest), CONTENT[:10])
    assert problems() == [f"{digest}: has 10 bytes instead of 1000; push it again to app"]
    assert stored(store, digest) == CONTENT[:10]
    push_blob(store, "app", CONTENT)
    call_command("check_storage", stdout=io.StringIO())


def test_damaged_bytes_are_found_when_they_are_read(store: Store) -> None:
    """With `--digests` only."""
    digest = push_blob(store, "app", CONTENT)
    other = bytes(reversed(CONTENT))
    store.driver.write(data(digest), other)
    call_command("check_storage", stdout=io.StringIO())
    assert problems("--digests") == [
        f"{digest}: holds other bytes, whose digest is {digest_of(other)}; push it again to app"
    ]


def test_many_that_need_a_blob_are_counted(store: Store) -> None:
    """The first three are named; what nobody needs is no reason to push."""
    digest = push_blob(store, "a", CONTENT)
    for name in ("b", "c", "d", "e"):
        push_blob(store, name, CONTENT)
    store.driver.delete(paths.blob_folder(digest.algorithm, digest.hex))
    assert problems()[0].endswith("; push it again to a, b, c and 2 more")
    BlobLink.objects.filter(blob__digest=str(digest)).delete()
    assert problems()[0].endswith("; nothing needs it, and the next collection removes the row")


def test_a_file_without_a_row_is_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is so new that it may belong to a push."""
    digest = digest_of(b"stray")
    store.driver.write(data(digest), b"stray")
    (line,) = problems()
    assert line.startswith(f"{digest}: is a file that no row knows; ")
    monkeypatch.setattr(check, "SETTLED_SECONDS", 60.0)
    call_command("check_storage", stdout=io.StringIO())


def test_a_link_without_a_blob_is_found(store: Store) -> None:
    """In the disk tree, that is: between rows there can be none."""
    digest = digest_of(b"linked only")
    store.driver.write(paths.link(paths.layer_folder("team/app", digest.algorithm, digest.hex)), str(digest).encode())
    assert problems() == [f"{digest}: team/app links it in the disk tree, but there is no such blob; push it again"]


def test_it_looks_at_everything_however_much_is_wrong(store: Store) -> None:
    """One line each, and one that cannot be read does not end it."""
    Blob.objects.create(digest="sha256:nonsense", size=1)
    lost = [push_blob(store, "app", b"%d" % number) for number in range(5)]
    for digest in lost:
        store.driver.delete(paths.blob_folder(digest.algorithm, digest.hex))
    lines = problems()
    assert len(lines) == 6
    assert any("sha256:nonsense: cannot be read" in line for line in lines)


def test_a_terminal_sees_how_far_it_is(store: Store) -> None:
    """On standard error, and nothing of it stays."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    err = Terminal()
    call_command("check_storage", stdout=io.StringIO(), stderr=err)
    assert "1 of 2 blobs" in err.getvalue()
    assert err.getvalue().endswith("\r\x1b[K")

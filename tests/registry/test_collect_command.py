"""`manage.py garbage_collect`: the command line and the words of the reference (E.5)."""

import io
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from registryhub.registry.collect import contents
from registryhub.registry.collect.claims import begin
from registryhub.registry.collect.plan import new_collection
from registryhub.registry.management.commands import garbage_collect
from registryhub.registry.models import Collection
from registryhub.registry.room import Store
from tests.registry.collecting import grow_old, on_disk, push_blob, push_image
from tests.registry.stores import store_in, stored
from tests.servers.server import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """What the configuration names."""
    made = store_in(tmp_path, "filesystem")
    monkeypatch.setattr(garbage_collect, "configured_driver", lambda: made.driver)
    return made


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


def run(*arguments: str, err: io.StringIO | None = None) -> list[str]:
    out = io.StringIO()
    call_command("garbage_collect", *arguments, stdout=out, stderr=err or io.StringIO())
    return out.getvalue().splitlines()


def test_it_says_what_goes_and_how_much_that_frees(store: Store) -> None:
    """Line by line, with the keywords that scripts look for."""
    push_image(store, "app", "old", "latest")
    kept = push_image(store, "app", "new", "latest")
    garbage = push_blob(store, "other", b"x" * 100)
    old = [line for line in run("--dry-run", "-m", "--grace", "0s") if line.startswith("manifest")]
    assert len(old) == 1
    assert old[0].startswith("manifest eligible for deletion: {app sha256:")
    assert kept not in old[0]
    lines = run("--delete-untagged", "--grace", "0s")
    assert old[0] in lines
    assert f"other: layer link eligible for deletion: {garbage}" in lines
    assert f"blob eligible for deletion: {garbage}" in lines
    assert lines[-2:] == ["2 blobs marked, 3 blobs and 1 manifests eligible for deletion", "freed 119 bytes"]
    assert stored(store, garbage) is None


def test_a_dry_run_changes_nothing_and_counts_the_same(store: Store) -> None:
    """`-d` is its short name."""
    push_image(store, "app", "kept", "v1")
    push_blob(store, "app", b"garbage")
    before = on_disk(store)
    lines = run("-d", "--grace", "0s")
    assert lines[-2:] == ["2 blobs marked, 1 blobs and 0 manifests eligible for deletion", "would free 7 bytes"]
    assert on_disk(store) == before


def test_it_says_what_waits_for_its_grace_period(store: Store) -> None:
    """And how to have it at once."""
    push_blob(store, "app", b"garbage")
    assert run("--grace", "90m")[-1] == (
        "1 more are of no use, but wait until nobody has used them for 90m; --grace 0s takes them at once"
    )
    grow_old()
    assert run()[-1] == "freed 7 bytes"


def test_quiet_is_quiet(store: Store) -> None:
    """It works all the same."""
    garbage = push_blob(store, "app", b"garbage")
    assert run("-q", "--grace", "0s") == []
    assert stored(store, garbage) is None


def test_a_terminal_sees_how_far_it_is(store: Store) -> None:
    """On standard error, so that a pipe gets the lines alone; and nothing of it stays."""
    push_blob(store, "app", b"garbage")
    err = Terminal()
    lines = run("--grace", "0s", err=err)
    assert "links: 100%" in err.getvalue()
    assert err.getvalue().endswith("\r\x1b[K")
    assert not any("100%" in line for line in lines)
    err = Terminal()
    run("--grace", "0s", "--quiet", err=err)
    assert err.getvalue() == ""


@pytest.mark.parametrize("grace", ["1", "soon", "-1h"])
def test_a_grace_period_that_is_none_is_refused(store: Store, grace: str) -> None:
    """With the value and the mend, before anything is done."""
    with pytest.raises(CommandError, match=grace):
        run(f"--grace={grace}")
    assert not Collection.objects.exists()


def test_a_failure_ends_it_with_a_message(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 1, and the row says why."""

    def broken(path: str) -> list[str]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(store.driver, "names", broken)
    with pytest.raises(SystemExit) as caught:
        run("--grace", "0s")
    assert str(caught.value.code).startswith("failed to garbage collect: ")
    assert "Input/output error" in Collection.objects.get().error


def test_a_second_one_waits_for_the_first(store: Store) -> None:
    """And says so, once."""
    garbage = push_blob(store, "app", b"garbage")
    first = new_collection(is_dry_run=False, deletes_untagged=False, grace_seconds=0.0)
    assert begin(first)

    def end_first() -> None:
        time.sleep(1.2)
        Collection.objects.filter(pk=first.pk).update(state="finished", holder="")
        connection.close()

    other = threading.Thread(target=end_first)
    other.start()
    err = io.StringIO()
    run("--grace", "0s", err=err)
    other.join()
    assert err.getvalue() == "another collection runs; this one begins when it has ended\n"
    assert stored(store, garbage) is None
    assert [each.state for each in Collection.objects.order_by("pk")] == ["finished", "finished"]


def test_one_that_was_interrupted_is_ended_first(store: Store) -> None:
    """So nothing stays half done, whatever is asked for now."""
    garbage = push_blob(store, "app", b"garbage")
    Collection.objects.create(state="running", holder="dead", phase="links", grace_seconds=0.0)
    lines = run()
    assert f"blob eligible for deletion: {garbage}" in lines
    assert [each.state for each in Collection.objects.order_by("pk")] == ["finished", "finished"]


@contextmanager
def listening_to_interrupts() -> Iterator[None]:
    """As a program does in a terminal; what a shell starts in the background ignores SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_is_stopped_by_hand_is_not_gone_on_with(
    store: Store, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Who stops it has a reason; what is gone is gone."""
    garbage = push_blob(store, "app", b"garbage")
    monkeypatch.setattr(contents, "erase", lambda *_: signal.raise_signal(number))
    before = signal.getsignal(signal.SIGTERM)
    with listening_to_interrupts(), pytest.raises(SystemExit, match="stopped"):
        run("--grace", "0s")
    assert signal.getsignal(signal.SIGTERM) == before
    collection = Collection.objects.get()
    assert (collection.state, collection.holder, collection.links, collection.blobs) == ("stopped", "", 1, 0)
    assert stored(store, garbage) is not None
    assert wait_until(lambda: begin(new_collection(is_dry_run=True, deletes_untagged=False, grace_seconds=0.0)), 1)

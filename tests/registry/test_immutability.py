"""Immutable tags: they are made once, and stay what they are."""

import threading
from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import connection

from registryhub.oci.errors import OciError
from registryhub.registry import manifests, repositories, tags
from registryhub.registry.keeping import immutability, remembered
from registryhub.registry.models import Manifest, Tag
from tests.registry.keeping import forget, immutable, nothing_remembered
from tests.registry.stage import CONTEXT, changed, counted_queries, image_bytes, put, put_under, stored_events

__all__ = ["nothing_remembered"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_remembered")]

APP = "team/app"


def refusal(act: Callable[..., object], *arguments: object, **named: object) -> OciError:
    with pytest.raises(OciError) as caught:
        act(*arguments, **named)
    assert (caught.value.code.code, caught.value.code.status) == ("DENIED", 403)
    return caught.value


def test_an_immutable_tag_is_made_and_never_moved() -> None:
    """The refusal names the rule and the mend, and nothing has changed."""
    immutable("team/*", "v.*")
    digest = put(APP, image_bytes(APP, "one"), tag="v1")
    told = len(stored_events())
    error = refusal(put, APP, image_bytes(APP, "two"), tag="v1")
    assert "the tag v1 of team/app is immutable by the rule 'releases'" in error.message
    assert "push under another tag" in error.message
    assert tags.find_digest(APP, "v1") == digest
    assert Manifest.objects.count() == 1
    assert len(stored_events()) == told


def test_the_same_image_again_is_fine() -> None:
    """A pipeline that is run again does not fail."""
    immutable()
    put(APP, image_bytes(APP, "one"), tag="v1")
    put(APP, image_bytes(APP, "one"), tag="v1")
    assert Tag.objects.count() == 1


def test_one_frozen_tag_of_several_refuses_the_push() -> None:
    """All of them or none."""
    immutable(tags="v1")
    put(APP, image_bytes(APP, "one"), tag="v1")
    refusal(put_under, APP, image_bytes(APP, "two"), "latest", "v1")
    assert set(Tag.objects.values_list("name", flat=True)) == {"v1"}


@pytest.mark.parametrize(("repository", "tag"), [("other/app", "v1"), (APP, "latest"), (APP, "v1-rc"), (APP, "xv1")])
def test_what_no_rule_speaks_of_moves(repository: str, tag: str) -> None:
    """Another repository, an exception, a tag that matches in part only."""
    immutable("team/**", r"v\d+|latest", except_tags="latest")
    put(repository, image_bytes(repository, "one"), tag=tag)
    digest = put(repository, image_bytes(repository, "two"), tag=tag)
    assert tags.find_digest(repository, tag) == digest


def test_a_disabled_rule_freezes_nothing() -> None:
    """It is as if it were not there."""
    immutable(is_enabled=False)
    put(APP, image_bytes(APP, "one"), tag="v1")
    put(APP, image_bytes(APP, "two"), tag="v1")


def test_an_immutable_tag_is_not_deleted() -> None:
    """Nor its manifest, nor its repository, until the rule is gone."""
    rule = immutable(tags="v.*")
    digest = put_under(APP, image_bytes(APP, "one"), "v1", "latest")
    config = changed(settings.HUB, storage__delete__enabled=True)
    assert "v1" in refusal(tags.delete, CONTEXT, APP, "v1").message
    assert "v1" in refusal(manifests.delete, CONTEXT, APP, digest).message
    assert "v1" in refusal(repositories.delete, CONTEXT, APP, config=config, seconds=10).message
    tags.delete(CONTEXT, APP, "latest")
    assert set(Tag.objects.values_list("name", flat=True)) == {"v1"}
    rule.delete()
    forget()
    manifests.delete(CONTEXT, APP, digest)
    assert not Tag.objects.exists()


def test_of_two_who_make_a_tag_at_once_one_wins() -> None:
    """Whoever comes second is refused; the tag, its manifest and its event are those of the first."""
    immutable()
    contents = [image_bytes(APP, f"version {number}") for number in range(6)]
    start, results = threading.Barrier(len(contents)), {}

    def push(content: bytes) -> None:
        try:
            start.wait()
            results[content] = put(APP, content, tag="v1")
        except OciError as error:
            results[content] = error.code.code
        finally:
            connection.close()

    threads = [threading.Thread(target=push, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results.values())[:5] == ["DENIED"] * 5
    (winner,) = (digest for digest in results.values() if digest != "DENIED")
    assert tags.find_digest(APP, "v1") == winner
    assert list(Manifest.objects.values_list("digest", flat=True)) == [winner]


def test_rules_are_asked_for_once_in_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A push without rules asks no more than before."""
    now = 1000.0
    monkeypatch.setattr("registryhub.registry.keeping.remembered.time.monotonic", lambda: now)
    with counted_queries(monkeypatch) as asked:
        for _ in range(10):
            assert immutability.find_rule(APP, "v1") is None
        now += remembered.SECONDS + 0.1
        immutability.find_rule(APP, "v1")
    assert asked == ["immutable_rules"] * 2


def test_while_one_thread_reads_the_rules_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was known: a thread that waited would hold a connection that the reader may need."""
    may_end, answers = threading.Event(), iter(["old", "new"])

    def load() -> str:
        answer = next(answers)
        if answer == "new":
            assert may_end.wait(10)
        return answer

    known = remembered.Remembered(load)
    assert known.get() == "old"
    monkeypatch.setattr(remembered, "SECONDS", 0.0)
    reader = threading.Thread(target=known.get)
    reader.start()
    while not known._is_loading.locked():
        pass
    assert known.get() == "old"
    may_end.set()
    reader.join()
    monkeypatch.setattr(remembered, "SECONDS", 60.0)
    assert known.get() == "new"

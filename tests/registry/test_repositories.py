"""Deleting a repository: everything in it goes, in steps that can be gone on with, and everything is told."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from registryhub.access.models import Repository, Source
from registryhub.oci.errors import OciError
from registryhub.oci.media_types import OCI_INDEX
from registryhub.registry import listings, repositories
from registryhub.registry.models import Blob, BlobLink, Manifest, ManifestReference, Tag
from tests.registry.keeping import immutable, nothing_remembered, quota
from tests.registry.stage import CONTEXT, changed, image_bytes, index_bytes, put, stored_events

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["nothing_remembered"]

REPOSITORY = "team/app"


def delete(repository: str = REPOSITORY, *, seconds: float = 60.0, **config: Any) -> bool:
    """With deleting on, unless the configuration says otherwise."""
    configured = changed(settings.HUB, **{"storage__delete__enabled": True, **config})
    return repositories.delete(CONTEXT, repository, config=configured, seconds=seconds)


def refusal(**config: Any) -> OciError:
    """What the delete is answered; nothing was removed."""
    before = counts()
    with pytest.raises(OciError) as caught:
        delete(**config)
    assert counts() == before
    return caught.value


def counts() -> list[int]:
    return [model.objects.count() for model in (Tag, Manifest, ManifestReference, BlobLink)]


def told() -> list[tuple[str, str]]:
    """The deletions, as what they are about."""
    return [(event.repository, event.tag or event.digest) for event in stored_events() if event.action == "delete"]


def code_of(call: Callable[[], object]) -> str:
    """Of the refusal; empty when there was none."""
    try:
        call()
    except OciError as error:
        return error.code.code
    return ""


def fill(repository: str = REPOSITORY, *, images: int = 2) -> list[str]:
    """Images under a tag each and an index of them; the digests of all manifests."""
    contents = [image_bytes(repository, f"image {number}") for number in range(images)]
    digests = [put(repository, content, tag=f"v{number}") for number, content in enumerate(contents)]
    return [*digests, put(repository, index_bytes(contents[:4]), media_type=OCI_INDEX, tag="all")]


def test_everything_in_it_goes_and_is_told() -> None:
    """Tags, then manifests, then one event of the repository; others keep what they share with it."""
    digests = fill()
    fill("team/other")
    put("team/other", image_bytes("team/other", "image 0"))
    assert delete()
    assert told() == [
        *[(REPOSITORY, tag) for tag in ("all", "v0", "v1")],
        *[(REPOSITORY, digest) for digest in sorted(digests)],
        (REPOSITORY, ""),
    ]
    assert listings.list_repositories(after="", limit=10).names == ["team/other"]
    assert Tag.objects.count() == 3
    assert not BlobLink.objects.filter(repository__name=REPOSITORY).exists()
    assert Blob.objects.count() == BlobLink.objects.count()


def test_its_row_stays() -> None:
    """Its numbers hang on it, and a push fills it again."""
    fill()
    row = Repository.objects.get(name=REPOSITORY)
    assert delete()
    fill()
    assert Repository.objects.get(name=REPOSITORY) == row
    assert delete()


def test_there_must_be_something_in_it() -> None:
    """What is gone is unknown, like what never was, and no second event is told."""
    assert refusal().code.code == "NAME_UNKNOWN"
    fill()
    assert delete()
    before = told()
    assert refusal().code.code == "NAME_UNKNOWN"
    assert told() == before


def test_blobs_alone_are_something() -> None:
    """Left by a push that was never finished; of a repository without blobs the manifests are."""
    image_bytes(REPOSITORY, "one")
    assert delete()
    assert told() == [(REPOSITORY, "")]
    put("team/other", index_bytes([]), media_type=OCI_INDEX)
    assert delete("team/other")
    assert told()[-1] == ("team/other", "")


def test_what_takes_long_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call does something, the last one tells that it is gone, and nothing is told twice."""
    for name in ("_TAGS", "_MANIFESTS", "_LINKS"):
        monkeypatch.setattr(repositories, name, 2)
    digests = fill(images=5)
    calls = 1
    while not delete(seconds=0.0):
        assert (REPOSITORY, "") not in told()
        calls += 1
    assert calls >= 9
    expected = [*[f"v{number}" for number in range(5)], "all", *digests, ""]
    assert sorted(what for _, what in told()) == sorted(expected)
    assert told()[-1] == (REPOSITORY, "")
    assert counts() == [0, 0, 0, 0]


def test_a_step_that_fails_leaves_what_was_done_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another call goes on; what was told was done."""
    fill()

    def fail(*_: object) -> bool:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(repositories, "_remove_links", fail)
        with pytest.raises(RuntimeError):
            delete()
    assert counts()[:3] == [0, 0, 0]
    assert len(told()) == 6
    assert delete()
    assert told()[6:] == [(REPOSITORY, "")]


def test_of_two_at_once_one_tells_that_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each tag and manifest is told once, and the end once."""
    for name in ("_TAGS", "_MANIFESTS", "_LINKS"):
        monkeypatch.setattr(repositories, name, 3)
    digests = fill(images=8)
    outcomes: set[str] = set()

    def run() -> None:
        try:
            outcomes.add(code_of(delete))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "" in outcomes
    assert outcomes <= {"", "NAME_UNKNOWN"}
    assert len(told()) == len(set(told())) == 9 + len(digests) + 1


def test_pushes_meanwhile_leave_nothing_half() -> None:
    """Whatever was pushed last is whole, or not there."""
    is_over, refusals = threading.Event(), set[str]()

    def push() -> None:
        try:
            for number in range(60):
                content = image_bytes(REPOSITORY, f"image {number % 20}")
                refusals.add(code_of(partial(put, REPOSITORY, content, tag=f"v{number}")))
        finally:
            is_over.set()
            connection.close()

    thread = threading.Thread(target=push)
    thread.start()
    while not is_over.is_set():
        refusals.add(code_of(delete))
    thread.join()
    assert refusals <= {"", "MANIFEST_BLOB_UNKNOWN", "NAME_UNKNOWN"}
    for reference in ManifestReference.objects.all():
        assert BlobLink.objects.filter(repository_id=reference.repository_id, blob__digest=reference.digest).exists()


@pytest.mark.parametrize(
    ("config", "mend"),
    [
        ({"storage__delete__enabled": False}, "storage.delete.enabled"),
        ({"storage__maintenance__readonly__enabled": True}, "storage.maintenance.readonly.enabled: false"),
    ],
)
def test_where_deleting_is_off_nothing_goes(config: dict[str, Any], mend: str) -> None:
    """With the mend."""
    fill()
    error = refusal(**config)
    assert (error.code.code, error.code.status) == ("UNSUPPORTED", 405)
    assert mend in str(error.detail)


def test_a_protected_one_stays_while_something_in_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes and what is attached go with what they need, so only those outside count."""
    digests = fill()
    monkeypatch.setattr(repositories, "_ASKED_AT_ONCE", 1)
    uses = dict.fromkeys(digests[1:2], "service web runs it")
    monkeypatch.setattr("deployer.guards.running", lambda _, asked: {key: uses[key] for key in uses if key in asked})
    error = refusal(hub__delete__protect=True)
    assert (error.code.code, error.code.status) == ("DENIED", 403)
    assert digests[1] in str(error.detail)
    assert "service web runs it" in str(error.detail)
    uses.clear()
    assert delete(hub__delete__protect=True)


def test_the_same_name_elsewhere_is_another_repository() -> None:
    """What is known of it only by events has nothing to delete."""
    Repository.objects.create(source=Source.objects.create(name="elsewhere"), name=REPOSITORY)
    assert refusal().code.code == "NAME_UNKNOWN"


@pytest.mark.usefixtures("nothing_remembered")
def test_an_immutable_tag_keeps_its_repository() -> None:
    """Nothing is begun that could not be ended."""
    fill()
    immutable(REPOSITORY, "v1")
    error = refusal()
    assert (error.code.code, error.code.status) == ("DENIED", 403)
    assert "the tag v1 of team/app is immutable" in error.message


@pytest.mark.usefixtures("nothing_remembered")
def test_what_it_held_counts_towards_no_quota_any_more() -> None:
    """What others of the namespace hold does."""
    fill()
    fill("team/other", images=1)
    namespace = quota("team", 1 << 20)
    namespace.refresh_from_db()
    of_other = sum(BlobLink.objects.filter(repository__name="team/other").values_list("blob__size", flat=True))
    assert namespace.used_bytes > of_other
    assert delete()
    namespace.refresh_from_db()
    assert namespace.used_bytes == of_other

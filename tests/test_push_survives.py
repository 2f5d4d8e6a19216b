"""kill -9 before each step of a push, a mount, a delete: the store is whole, and whoever asks again gets his answer.

The steps are counted, not named: before each of them one process dies, until one gets through (`tests.v2.mortal`).
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import urlencode

import pytest

from registryhub.oci.digests import digest_of
from registryhub.registry.models import Upload
from registryhub.registry.purge import purge_uploads
from registryhub.registry.room import Store
from registryhub.storage.filesystem import FilesystemDriver
from tests.v2.fuzz.ground import Ground
from tests.v2.mortal import MortalPlane, Request
from tests.v2.place import Place, location

pytestmark = pytest.mark.django_db(transaction=True)

FEWEST_STEPS, MOST_STEPS = 3, 100


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is asked, whether it has happened, and its answer: the first time, and when it has happened already."""

    prepare: Callable[[Place], Request]
    has_happened: Callable[[Place, Request], bool]
    answer: int
    next_answer: int


def has_blob(place: Place, request: Request) -> bool:
    """Also byte by byte."""
    answer = place.plane.get(f"/v2/{place.name}/blobs/{place.digest}")
    assert answer.status == 404 or answer.body == place.content
    return answer.status == 200


def has_tags(place: Place, request: Request) -> bool:
    """All of them or none."""
    digest = str(digest_of(request.body))
    pointing = {place.points_at(tag) == digest for tag in ("v1", "v2")}
    assert len(pointing) == 1
    return pointing == {place.has(f"manifests/{digest}")} == {True}


def has_grown(place: Place, request: Request) -> bool:
    found = place.plane.get(request.target.partition("?")[0]).headers["range"]
    return found == f"0-{len(place.content) - 1}"


def is_unknown(place: Place, request: Request) -> bool:
    return place.plane.get(request.target.partition("?")[0]).status == 404


def begin_at_once(place: Place) -> Request:
    return place.at_once(place.content)


def end_what_was_sent(place: Place) -> Request:
    return place.finish(place.append(place.content))


def end_with_all_bytes(place: Place) -> Request:
    return place.finish(place.begin(), place.content)


def end_with_the_last_bytes(place: Place) -> Request:
    return place.finish(place.append(place.content[:100]), place.content[100:])


def end_what_another_has(place: Place) -> Request:
    assert place.plane.request("POST", other(place).target, headers=CHUNKED, body=place.content).status == 201
    return end_what_was_sent(place)


CHUNKED = {"transfer-encoding": "chunked"}


def other(place: Place) -> Request:
    """The same blob, pushed to another repository."""
    target = f"/v2/{place.name}/other/blobs/uploads/?{urlencode({'digest': place.digest})}"
    return Request("POST", target, CHUNKED, place.content)


def mount(place: Place) -> Request:
    assert place.send(other(place)).status == 201
    query = urlencode({"mount": place.digest, "from": f"{place.name}/other"})
    return Request("POST", f"{place.uploads}?{query}")


def move_a_tag(place: Place) -> Request:
    place.tag("v1", "old")
    return place.put("v1")


def put_two_tags(place: Place) -> Request:
    place.tag("v1", "old")
    return place.put("{digest}?tag=v1&tag=v2")


def delete(below: str) -> Callable[[Place], Request]:
    def prepare(place: Place) -> Request:
        digest = place.tag("{digest}?tag=v1&tag=v2")
        return Request("DELETE", f"/v2/{place.name}/{below.format(manifest=digest, blob=place.digest)}")

    return prepare


def is_gone(place: Place, request: Request) -> bool:
    return place.plane.request("HEAD", request.target).status == 404


def is_gone_with_tags(place: Place, request: Request) -> bool:
    """All of it or nothing."""
    left = {is_gone(place, request), not place.has("manifests/v1"), not place.has("manifests/v2")}
    assert len(left) == 1
    return left == {True}


SCENARIOS = {
    "a chunk": Scenario(lambda place: Request("PATCH", place.begin(), {}, place.content), has_grown, 202, 416),
    "a cancel": Scenario(lambda place: Request("DELETE", place.append(b"some")), is_unknown, 204, 404),
    "an upload in one request": Scenario(begin_at_once, has_blob, 201, 201),
    "the end of an upload": Scenario(end_what_was_sent, has_blob, 201, 404),
    "the end of an upload with all its bytes": Scenario(end_with_all_bytes, has_blob, 201, 404),
    "the end of an upload with its last bytes": Scenario(end_with_the_last_bytes, has_blob, 201, 404),
    "the end of an upload that another repository has": Scenario(end_what_another_has, has_blob, 201, 404),
    "a mount": Scenario(mount, has_blob, 201, 201),
    "a manifest": Scenario(
        move_a_tag, lambda place, request: place.points_at("v1") == str(digest_of(request.body)), 201, 201
    ),
    "a manifest with two tags": Scenario(put_two_tags, has_tags, 201, 201),
    "a delete of a tag": Scenario(delete("manifests/v1"), is_gone, 202, 404),
    "a delete of a manifest": Scenario(delete("manifests/{manifest}"), is_gone_with_tags, 202, 404),
    "a delete of a blob": Scenario(delete("blobs/{blob}"), is_gone, 202, 404),
}


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground.make(tmp_path)


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[MortalPlane]:
    with closing(MortalPlane(tmp_path)) as mortal:
        yield mortal


@pytest.mark.parametrize("name", SCENARIOS)
def test_whoever_dies_at_any_step_leaves_all_or_nothing(name: str, ground: Ground, mortal: MortalPlane) -> None:
    """No half-written blob, no event without its change and no change without its event; asking again helps."""
    scenario = SCENARIOS[name]
    left = []
    for steps in count():
        place = Place(ground.plane, f"killed/{name.replace(' ', '-')}/at/{steps}")
        request = scenario.prepare(place)
        place.known_events = len(place.told())
        status = mortal.ask(request, steps=steps)
        ground.check_store()
        happened = scenario.has_happened(place, request)
        left.append((happened, place.told()))
        if status is not None:
            break
        assert ask_again(place, request) == (scenario.next_answer if happened else scenario.answer)
        assert scenario.has_happened(place, request)
        ground.check_store()
    assert status == scenario.answer
    assert FEWEST_STEPS < len(left) < MOST_STEPS
    told = left[-1][1]
    assert {(happened, tuple(events)) for happened, events in left} == {(True, tuple(told)), (False, ())}
    assert_nothing_stays(ground)


def ask_again(place: Place, request: Request) -> int:
    """As a client does: it goes on where a 416 tells it to, with nothing left to send."""
    answer = place.send(request)
    if answer.status == 416 and request.method == "PUT":
        answer = place.send(place.finish(location(answer)))
    return answer.status


def assert_nothing_stays(ground: Ground) -> None:
    """What nobody went on with is purged, and the blobs are not."""
    purge_uploads(Store(FilesystemDriver(ground.folder / "blobs"), ground.folder, 0), -60)
    assert not Upload.objects.exists()
    assert not list(ground.folder.glob("blobs/**/_uploads/*"))
    ground.check_whole_store()

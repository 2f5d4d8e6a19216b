"""What the log is told of a push besides what goes over the wire."""

import json
import threading

import pytest
from django.db import connections, transaction

from notifications import events
from notifications.facts import Facts
from notifications.log.models import Event, Intake
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.oci.digests import digest_of
from registryhub.oci.media_types import OCI_INDEX, OCI_MANIFEST
from registryhub.registry import tags
from registryhub.registry.models import Manifest, Tag
from registryhub.storage.memory import MemoryDriver
from tests.notifications.log.making import sequence_all
from tests.registry.stage import (
    changed_document,
    dump,
    image_bytes,
    image_for,
    index_bytes,
    put,
    put_under,
    stored_events,
    stored_facts,
)

NAME = "team/app"


@pytest.mark.django_db
def test_a_tag_is_made_moved_and_set_again() -> None:
    """Each push says what became of its tag, and where it moved from; a push by digest has none."""
    first, second = image_bytes(NAME, "one"), image_bytes(NAME, "two")
    old = put(NAME, first, tag="v1")
    put(NAME, first, tag="v1")
    put(NAME, second, tag="v1")
    put(NAME, second)
    put_under(NAME, first, "v1", "v2", digest=old)
    assert stored_facts() == [
        Facts("new"),
        Facts("same"),
        Facts("moved", old),
        Facts(),
        Facts("moved", str(digest_of(second))),
        Facts("new"),
    ]


@pytest.mark.django_db
def test_the_facts_stand_beside_the_event_and_not_in_it() -> None:
    """What receivers get is what they got before."""
    put(NAME, image_bytes(NAME, "one"), tag="v1")
    (wire,) = stored_events()
    row = Intake.objects.get()
    assert bytes(row.raw).partition(b"\n") == (events.encode(wire), b"\n", b'{"tagged":"new"}')
    (logged,) = sequence_all()
    event = Event.objects.get()
    assert (event.raw, event.facts) == (events.encode(wire).decode(), '{"tagged":"new"}')
    assert (logged.raw, logged.facts) == (event.raw, event.facts)


@pytest.mark.django_db
def test_an_image_runs_on_what_its_configuration_says() -> None:
    """Read once, when the image comes; a configuration that says nothing readable is no obstacle."""
    driver = MemoryDriver()
    put(NAME, image_for(driver, {"os": "linux", "architecture": "arm64", "variant": "v8"}), tag="a", driver=driver)
    put(NAME, image_for(driver, {"os": "unknown", "architecture": "unknown"}), tag="b", driver=driver)
    put(NAME, image_for(driver, {"os": 7, "architecture": "\x00"}), tag="c", driver=driver)
    put(NAME, image_for(driver, ["no configuration"]), tag="d", driver=driver)
    put(NAME, image_bytes(NAME, "whose configuration has no bytes"), tag="e", driver=driver)
    assert [known.platforms for known in stored_facts()] == [("linux/arm64/v8",), (), (), (), ()]


@pytest.mark.django_db
def test_an_index_runs_on_what_it_names() -> None:
    """Attestations of builders are for no platform; what it lists is told by how the digests begin."""
    children = [image_bytes(NAME, text) for text in ("one", "two", "three")]
    for child in children:
        put(NAME, child)
    index = json.loads(index_bytes(children))
    index["manifests"][2]["platform"] = {"os": "unknown", "architecture": "unknown"}
    put(NAME, dump(index), tag="v1", media_type=OCI_INDEX)
    shorts = tuple(digest_of(child).hex[:12] for child in children)
    assert stored_facts()[-1] == Facts("new", platforms=("linux/amd64", "linux/arm64"), children=shorts)


@pytest.mark.django_db
def test_what_is_attached_is_told() -> None:
    """A signature or an SBOM names its subject."""
    image = image_bytes(NAME, "one")
    subject = {"mediaType": OCI_MANIFEST, "digest": put(NAME, image), "size": len(image)}
    put(NAME, changed_document(image_bytes(NAME, "its signature"), subject=subject))
    assert [known.is_attached for known in stored_facts()] == [False, True]


@pytest.mark.django_db
def test_platforms_once_known_are_remembered() -> None:
    """Also when the manifest is pushed again while its configuration cannot be read."""
    driver = MemoryDriver()
    content = image_for(driver, {"os": "linux", "architecture": "s390x"})
    put(NAME, content, driver=driver)
    put(NAME, content, driver=MemoryDriver())
    assert Manifest.objects.get().platforms == "linux/s390x"


@pytest.mark.django_db
def test_a_configuration_of_elsewhere_is_not_read() -> None:
    """Where nothing must be there, nothing tells whether the repository may see it."""
    driver = MemoryDriver()
    content = image_for(driver, {"os": "linux", "architecture": "arm64"})
    put_under(NAME, content, "v1", driver=driver, validation__disabled=True)
    assert stored_facts() == [Facts("new")]


@pytest.mark.only_database("postgres")
@pytest.mark.django_db(transaction=True)
def test_of_two_pushes_at_once_the_second_knows_the_first() -> None:
    """Whoever waited for the tag says where it was when it got it, not when it began to wait."""
    digests = [put(NAME, image_bytes(NAME, text)) for text in ("one", "two", "three")]
    ids = dict(Manifest.objects.values_list("digest", "id"))
    repository_id = Manifest.objects.values_list("repository_id", flat=True)[0]

    def point(number: int) -> tags.Pointed:
        item = events.Reference("", digests[number], 1)
        return tags.point(repository_id, "v1", ids[digests[number]], item, repository=NAME)

    late: list[tags.Pointed] = []

    def point_late() -> None:
        with transaction.atomic():
            late.append(point(2))
        connections.close_all()

    assert point(0) == ("new", "")
    waiting = threading.Thread(target=point_late)
    with transaction.atomic():
        assert point(1) == ("moved", digests[0])
        waiting.start()
        waiting.join(0.2)
        assert late == []
    waiting.join()
    assert late == [("moved", digests[1])]
    assert Tag.objects.get(repository__source_id=HUB_SOURCE_ID).digest == digests[2]

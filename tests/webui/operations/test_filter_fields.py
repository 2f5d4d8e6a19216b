"""Which events an endpoint gets, chosen by fields and tried out before it is saved."""

import re
from typing import Any

import pytest
from django.test import Client

from notifications import facts
from notifications.delivery.definitions.changes import create_endpoint
from notifications.delivery.models import Endpoint
from notifications.facts import Facts
from tests.webui.operations import scene
from webui.operations.filter_fields import write_filter

pytestmark = pytest.mark.django_db

NEW = "/webhooks/-/new"
URL = "https://ci.example.org/hook"
CHOSEN: dict[str, Any] = {
    "filter_repositories": "team/**\n!team/x",
    "filter_versions": "^1.4",
    "filter_platforms": "linux/arm64",
    "filter_tagged": ["new", "moved"],
    "filter_actions": ["push"],
    "filter_minsize": "1KiB",
}
FILTER = {
    "repositories": ["team/**", "!team/x"],
    "versions": ["^1.4"],
    "platforms": ["linux/arm64"],
    "tagged": ["new", "moved"],
    "actions": ["push"],
    "minsize": "1KiB",
}
MOVED = facts.encode(Facts("moved", "sha256:0", ("linux/arm64/v8",))).decode()


def try_out(client: Client, path: str = NEW, **data: Any) -> str:
    """The page with the preview, which must have been shown."""
    answer = client.post(path, {"preview": "1", **data})
    assert answer.status_code == 200
    return answer.content.decode()


def words(page: str) -> str:
    """What the preview says, without its tags."""
    part = page[page.index('id="preview"') : page.index("</form>", page.index('id="preview"'))]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", part))


def test_a_filter_is_saved_and_shown_in_words() -> None:
    """As `config.yml` would have it; the form begins with it when it is changed."""
    root = scene.superuser()
    page = root.post(NEW, {"name": "ci", "url": URL, **CHOSEN}, follow=True).content.decode()
    row = Endpoint.objects.get()
    assert row.filter == FILTER
    for line in ("repositories team/**, !team/x", "versions ^1.4", "tags that are new, moved", "from a size of 1KiB"):
        assert line in page
    form = scene.read(root, f"/webhooks/-/{row.pk}/change")
    assert "team/**\n!team/x" in form
    assert re.search(r'name="filter_tagged" value="moved"[^>]*checked', form)
    root.post(f"/webhooks/-/{row.pk}/change", {"url": URL})
    row.refresh_from_db()
    assert row.filter == {}


def test_the_preview_judges_the_latest_events_and_saves_nothing() -> None:
    """A plain form: it comes back as it was filled in, with what would be sent. A name is not needed yet."""
    scene.log("team/app", tag="v1.4.2", facts=MOVED, size=2000)
    scene.log("team/app", tag="v2.0.0", facts=MOVED, size=2000)
    scene.log("lib/img", count=2)
    page = try_out(scene.superuser(), **CHOSEN)
    said = words(page)
    assert "Matches 1 of the last 4 events · would have sent 1 a day" in said
    assert "push · team/app:v1.4.2 moved linux/arm64/v8 yes" in said
    assert "no: Versions in tags" in said
    assert said.count("no: Repositories") == 2
    assert "This field is required" not in page
    assert "team/**\n!team/x" in page
    assert not Endpoint.objects.exists()


def test_mistakes_stand_beside_their_fields_and_in_the_preview() -> None:
    """So that a script which fetches only the preview shows them too."""
    page = try_out(scene.superuser(), filter_versions="newest", filter_minsize="large")
    assert "Versions in tags: is no range of versions" in words(page)
    assert "From this size on: is no size" in words(page)
    assert page.count("is no range of versions") == 2
    assert "a day" not in words(page)


def test_settings_that_are_saved_are_tried_out_changed() -> None:
    """The endpoint stays as it is."""
    scene.log("team/app", count=3)
    row, _ = create_endpoint({"name": "ci", "url": URL, "filter": {"tags": ["v*"]}})
    page = try_out(scene.superuser(), f"/webhooks/-/{row.pk}/change", filter_repositories="team/**")
    assert "Matches 3 of the last 3 events" in words(page)
    assert Endpoint.objects.get().filter == {"tags": ["v*"]}


def test_an_empty_log_has_nothing_to_compare_with() -> None:
    """And no numbers that look like an answer."""
    assert "Nothing has happened yet to compare with · would have sent 0 a day" in words(try_out(scene.superuser()))


def test_only_who_may_make_endpoints_may_look() -> None:
    """Events say who uses what."""
    assert scene.staff().post(NEW, {"preview": "1"}).status_code == 403
    assert scene.member().post(NEW, {"preview": "1"}).status_code in (302, 403)


def test_what_others_called_their_things_is_only_text() -> None:
    """In the preview, too."""
    scene.log("team/app", tag=scene.NASTY)
    assert scene.NASTY not in try_out(scene.superuser())


def test_the_page_of_an_event_shows_what_is_known_of_it() -> None:
    """For whoever may see the event."""
    (event,) = scene.log("team/app", is_public=True, tag="v1", facts=MOVED)
    page = scene.read(scene.visitor(), f"/events/{event.seq}")
    assert "linux/arm64/v8" in page
    assert "moved from <code>sha256:0</code>" in page
    (plain,) = scene.log("team/app", is_public=True, tag="v1")
    assert "Platforms" not in scene.read(scene.visitor(), f"/events/{plain.seq}")


def test_every_key_of_a_filter_has_words() -> None:
    """Whatever it is made by."""
    whole = {**FILTER, "tags": ["v*"], "mediatypes": ["a/*"], "actors": ["ci"], "maxsize": "2GiB"}
    assert len(write_filter(whole)) == 10
    assert write_filter({}) == []

"""The wire of listings: pages, links and refusals."""

from pathlib import Path

import pytest

from tests.registry.stage import image_bytes, put
from tests.v2.plane import Plane, make_plane

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def plane(tmp_path: Path) -> Plane:
    """Five tags in one repository, and two more repositories."""
    content = image_bytes("team/app", "one")
    for tag in ("b", "a", "C", "v1.0", "v1+"[:2]):
        put("team/app", content, tag=tag)
    for name in ("other", "team/app-two"):
        put(name, image_bytes(name, "one"))
    return make_plane(tmp_path)


def test_all_tags_come_without_a_number(plane: Plane) -> None:
    """In bytewise order, without a Link."""
    answer = plane.get("/v2/team/app/tags/list")
    assert (answer.status, answer.json) == (200, {"name": "team/app", "tags": ["C", "a", "b", "v1", "v1.0"]})
    assert "link" not in answer.headers


def test_pages_are_linked_until_the_last(plane: Plane) -> None:
    """The Link keeps `n` and moves `last`; a page that is just full is the last one."""
    target = "/v2/team/app/tags/list?n=2"
    walked = []
    while target:
        answer = plane.get(target)
        walked.append(answer.json["tags"])
        link = answer.headers.get("link", "")
        assert not link or link.endswith('>; rel="next"')
        target = link[1:].partition(">")[0]
    assert walked == [["C", "a"], ["b", "v1"], ["v1.0"]]
    assert plane.get("/v2/team/app/tags/list?n=2").headers["link"] == '</v2/team/app/tags/list?last=a&n=2>; rel="next"'
    assert "link" not in plane.get("/v2/team/app/tags/list?n=5").headers
    assert plane.get("/v2/team/app/tags/list?last=b0&n=1").json["tags"] == ["v1"]


def test_the_catalog_is_paged_alike(plane: Plane) -> None:
    """By default 100 a page."""
    assert plane.get("/v2/_catalog").json == {"repositories": ["other", "team/app", "team/app-two"]}
    answer = plane.get("/v2/_catalog?n=2")
    assert answer.json == {"repositories": ["other", "team/app"]}
    assert answer.headers["link"] == '</v2/_catalog?last=team%2Fapp&n=2>; rel="next"'
    assert plane.get("/v2/_catalog?last=team%2Fapp&n=2").json == {"repositories": ["team/app-two"]}


@pytest.mark.parametrize("target", ["/v2/team/app/tags/list", "/v2/_catalog"])
def test_numbers(plane: Plane, target: str) -> None:
    """0 is an empty page; what is no number is refused with it; odd bounds are just bounds."""
    for n in ("-1", "x", "1.5", "1_0", "%201", "9" * 30, "%D9%A1"):
        answer = plane.get(f"{target}?n={n}")
        assert (answer.status, answer.code) == (400, "PAGINATION_NUMBER_INVALID")
        assert "n" in answer.detail
    empty = plane.get(f"{target}?n=0")
    assert (empty.status, list(empty.json.values())[-1]) == (200, [])
    assert "link" not in empty.headers
    for last in ("%00", "a%00b", "%FF", "%F0%9F%90%B3", "x" * 5000, ""):
        assert plane.get(f"{target}?n=5&last={last}").status == 200
    assert plane.get(f"{target}?n=").json == plane.get(target).json
    assert plane.get(f"{target}?n=%2B1").status == 200


def test_each_listing_has_the_reference_s_bounds(plane: Plane) -> None:
    """The catalog refuses more than 1000, a list of tags is cut to them. The details differ as theirs do."""
    assert plane.get("/v2/_catalog?n=1000").status == 200
    assert plane.get("/v2/_catalog?n=1001").detail == {"n": "1001"}
    assert plane.get("/v2/team/app/tags/list?n=100000").status == 200
    assert plane.get("/v2/team/app/tags/list?n=-1").detail == {"n": -1}


def test_the_bounds_of_pages_are_configured(plane: Plane, tmp_path: Path) -> None:
    """`catalog.maxentries` is also the page of who asks for none; all tags come to who asks for no page."""
    small = make_plane(tmp_path, catalog__maxentries=2, tags__maxtags=3)
    assert small.get("/v2/_catalog?n=3").code == "PAGINATION_NUMBER_INVALID"
    for target in ("/v2/_catalog", "/v2/_catalog?n=2"):
        answer = small.get(target)
        assert answer.json == {"repositories": ["other", "team/app"]}
        assert answer.headers["link"] == '</v2/_catalog?last=team%2Fapp&n=2>; rel="next"'
    answer = small.get("/v2/team/app/tags/list?n=4")
    assert answer.json["tags"] == ["C", "a", "b"]
    assert answer.headers["link"] == '</v2/team/app/tags/list?last=b&n=3>; rel="next"'
    assert small.get("/v2/team/app/tags/list?n=4&last=b").json["tags"] == ["v1", "v1.0"]
    assert len(small.get("/v2/team/app/tags/list").json["tags"]) == 5


@pytest.mark.parametrize(("last", "tags"), [("a0", ["b", "v1"]), ("zz", []), ("B", ["C", "a"]), ("v1.0", [])])
def test_a_page_behind_a_name_that_is_not_there(plane: Plane, last: str, tags: list[str]) -> None:
    """It is a bound and nothing more."""
    answer = plane.get(f"/v2/team/app/tags/list?n=2&last={last}")
    assert (answer.status, answer.json["tags"]) == (200, tags)
    assert plane.get(f"/v2/_catalog?n=2&last={last}").status == 200


def test_tags_of_an_unknown_repository(plane: Plane) -> None:
    """404 with its name."""
    answer = plane.get("/v2/nobody/tags/list")
    assert (answer.status, answer.code, answer.detail) == (404, "NAME_UNKNOWN", {"name": "nobody"})


def test_links_keep_the_prefix(tmp_path: Path, plane: Plane) -> None:
    """They are paths, so that any proxy can pass them on."""
    moved = make_plane(tmp_path, http__prefix="/pre/")
    link = moved.get("/pre/v2/team/app/tags/list?n=1").headers["link"]
    assert link.startswith("</pre/v2/team/app/tags/list?")

"""The pages about who leads, and the one that says how it is counted."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from notifications.analytics.boards import boards
from notifications.analytics.clients import Client as Program
from registryhub.access.models import Repository
from tests.webui.filled import make_repository
from tests.webui.numbers import Tally
from webui.boards.lines import in_unit, nearest_window
from webui.boards.prose import read_prose

pytestmark = pytest.mark.django_db

TRIVY = Program("trivy", "scanner", "")


@pytest.fixture
def counted(db: None) -> None:
    """A public repository, a private one, and one of another registry."""
    now, tally = timezone.now(), Tally()
    for number, (name, is_public, source) in enumerate(
        (("open/app", True, ""), ("closed/app", False, ""), ("theirs/app", True, "harbor")), start=1
    ):
        repository: Repository = make_repository(name, is_public=is_public, source=source)
        tally.count(repository, now, "v1", pull_tag=1000 * number, version_check=1, push=2)
        tally.count(repository, now, client=TRIVY, pull_tag=70 + number)
        tally.fetch(repository, now, "linux/arm64", 40, 123_000_000)
    tally.write()


@pytest.mark.usefixtures("counted")
def test_all_boards_are_on_one_page(staff: Client, client: Client) -> None:
    """Others see less of them than staff, and of fewer repositories; all of the source that is asked for."""
    page = staff.get("/boards").content.decode()
    for board in boards().values():
        assert board.title in page
    assert page.index("closed/app") < page.index("open/app")
    assert "theirs/app" not in page
    assert "theirs/app" in staff.get("/boards?source=harbor").content.decode()
    for reader in (client, member()):
        page = reader.get("/boards").content.decode()
        assert "open/app" in page
        assert "123.0 MB" in page
        for hidden in ("closed/app", "Top actors", "Fastest to running", "2,000"):
            assert hidden not in page


@pytest.mark.usefixtures("counted")
def test_a_board_says_what_it_left_out(client: Client) -> None:
    """And leads to the sheet of the same window and source, which is there."""
    page = client.get("/boards/most-pulled?window=30d").content.decode()
    assert "71 pulls do not count" in page
    sheet = client.get("/api/v1/leaderboards/most-pulled?window=30d&source=hub&limit=100&format=csv")
    assert "window=30d&amp;source=hub&amp;limit=100&amp;format=csv" in page
    assert b"1,open/app,hub,,1000,1000,71," in sheet.content
    assert client.get("/boards/top-actors").status_code == 404
    assert client.get("/boards/nothing").status_code == 404


@pytest.mark.usefixtures("counted")
def test_a_board_that_is_not_in_the_order_of_its_values_says_so(client: Client) -> None:
    """Trending is, by how unlikely the growth is."""
    assert "In the order of surprise" in client.get("/boards/trending?window=24h").content.decode()
    assert "In the order of surprise" not in client.get("/boards/most-pulled?window=24h").content.decode()


@pytest.mark.parametrize("query", ["?window=nonsense", "?window=all", "?source=hub", "?source="])
def test_any_window_is_answered(client: Client, query: str) -> None:
    """With the nearest that each board has; an empty hub has boards too."""
    assert client.get(f"/boards{query}").status_code == 200
    assert client.get(f"/boards/trending{query}").status_code == 200


@pytest.mark.usefixtures("counted")
@pytest.mark.parametrize("source", ["nowhere", "%00", "harbor"])
def test_sources_that_are_not_known_are_not_found(client: Client, source: str) -> None:
    """Nor those of which nothing is public."""
    Repository.objects.filter(name="theirs/app").update(is_public=False)
    assert client.get(f"/boards?source={source}").status_code == 404


def test_a_board_has_the_nearest_window() -> None:
    """The next longer one, or its longest."""
    board = boards()["most-pullers"]
    assert [nearest_window(board, window) for window in ("24h", "30d", "all")] == ["7d", "30d", "all"]
    assert nearest_window(boards()["trending"], "all") == "30d"


def test_values_are_said_in_their_unit() -> None:
    """As people say them."""
    assert in_unit(7_300, "seconds") == "2 h"
    assert in_unit(41, "seconds") == "41 s"
    assert in_unit(1_500_000, "bytes") == "1.5 MB"
    assert in_unit(1234, "more pulls") == "+1,234"
    assert in_unit(1, "platforms") == "1 platform"
    assert in_unit(12_345, "puller-days") == "12,345"


def test_how_it_is_counted_is_public(client: Client) -> None:
    """The same words as in docs/counting.md, whole."""
    page = client.get("/counting").content.decode()
    assert "<h1>What is counted, and how</h1>" in page
    assert "<code>last_pulled_at</code>" in page
    assert "```" not in page


def test_our_own_prose_is_understood() -> None:
    """And whatever is in it stays text."""
    blocks = read_prose(
        "# A `b`\n\nOne **two**\n*three* [x](y.md) <i>\n\n"
        "- a\n  b\n- c\n\n| h |\n| --- |\n| c |\n\n```sh\n# x\n\ny\n```\n"
    )
    assert [block.kind for block in blocks] == ["title", "text", "list", "table", "code"]
    assert blocks[0].text == "A <code>b</code>"
    assert blocks[1].text == "One <b>two</b> <i>three</i> x &lt;i&gt;"
    assert list(blocks[2].items) == ["a b", "c"]
    assert blocks[3].rows == [["h"], ["c"]]
    assert blocks[4].text == "# x\n\ny"


@pytest.mark.usefixtures("counted")
def test_a_repository_says_who_pulls_it(client: Client) -> None:
    """Platforms, clients and audiences; what does not count is marked."""
    page = client.get("/repositories/open/app").content.decode()
    for shown in ("linux/arm64", "docker", "trivy", "scanners", "not counted", "71 excluded"):
        assert shown in page


@pytest.mark.usefixtures("counted")
def test_the_dashboard_says_what_was_left_out(staff: Client, client: Client) -> None:
    """Of what the reader sees, and where the rules are."""
    assert "144 excluded" in client.get("/").content.decode()
    page = staff.get("/").content.decode()
    assert "216 excluded" in page
    assert 'href="/counting"' in page


def member() -> Client:
    """Logged in, and nothing more."""
    client = Client()
    client.force_login(User.objects.create_user("mel"))
    return client

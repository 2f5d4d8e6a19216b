"""Every page by axe-core, in both themes, on a phone and on a desk; and nothing is wider than the window.

A new page is one line of PAGES.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.servers.databases import Databases
from tests.servers.hub import Hub
from tests.webui.browser import DESK, LOOKS, Look, a_browser, a_look

PAGES = (
    "/",
    "/?window=24h",
    "/?window=all",
    "/repositories",
    "/repositories?search=nothing",
    "/repositories/platform/api",
    "/repositories/mirror/debian?source=frankfurt",
    "/repositories/platform/api/-/tags/5.2.0",
    "/repositories/ml/serving/-/tags/stable",
    "/repositories/platform/api/-/delete",
    "/repositories/platform/api/-/tags/5.2.0/delete",
    "/boards",
    "/boards/most-pulled?window=30d",
    "/boards/top-actors",
    "/counting",
    "/events",
    "/events?source=hub&since=nonsense",
    "/events/18401703",
    "/webhooks",
    "/webhooks/chat-bridge",
    "/doctor",
    "/doctor/1",
    "/webhooks/release-notes",
    "/webhooks/-/new",
    "/webhooks/-/1/change",
    "/webhooks/-/deliveries/1",
    "/webhooks/-/dead-letters?endpoint=audit-lake&error=no answer within 5 s",
    "/webhooks/-/1/resend",
    "/sources",
    "/sources/frankfurt",
    "/sources/-/new",
    "/sources/frankfurt/change",
    "/sources/frankfurt/quarantine?cause=late",
    "/sources/frankfurt/quarantine?state=discarded",
    "/services",
    "/services/api-production",
    "/services/api-production/change",
    "/services/-/new/container",
    "/services/-/new/call",
    "/deployments",
    "/deployments/4",
    "/deployments/6",
    "/deployments/7",
    "/keeping",
    "/keeping/verdicts",
    "/keeping/verdicts?verdict=all",
    "/keeping/rules/new",
    "/keeping/rules/1",
    "/keeping/immutable/1",
    "/keeping/quotas/1",
    "/nothing/here",
)
PUBLIC_PAGES = (
    "/",
    "/login",
    "/repositories",
    "/repositories/base/python",
    "/events",
    "/boards",
    "/counting",
    "/repositories/platform/api",
)

pytestmark = [pytest.mark.peer("chromium"), pytest.mark.only_database("sqlite")]  # a page is the same on both


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, new_databases: Callable[[], Databases]) -> Iterator[Hub]:
    """Only its web role: nothing counts or sends what the data tells of."""
    with Hub(folder(tmp_path_factory), new_databases(), arguments=("--role", "web")) as hub:
        hub.module("tests.believable")
        yield hub


def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("axe")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as browser:
        yield browser


@pytest.fixture(scope="module", params=LOOKS, ids=str)
def look(request: pytest.FixtureRequest) -> Look:
    found: Look = request.param
    return found


@pytest.fixture(scope="module")
def staff_page(browser: Browser, hub: Hub, look: Look) -> Iterator[Page]:
    with a_look(browser, hub, look, is_staff=True) as page:
        yield page


@pytest.fixture(scope="module")
def public_page(browser: Browser, hub: Hub, look: Look) -> Iterator[Page]:
    with a_look(browser, hub, look, is_staff=False) as page:
        yield page


def faults(page: Page, path: str) -> list[str]:
    """What axe finds, and what is too wide."""
    page.goto(path)
    found = Axe().run(page).response["violations"]
    told = [f"{each['id']}: {node['html'][:160]} {node['failureSummary']}" for each in found for node in each["nodes"]]
    if page.evaluate("document.scrollingElement.scrollWidth > document.documentElement.clientWidth"):
        told.append("the page is wider than the window")
    return told


@pytest.mark.parametrize("path", PAGES)
def test_pages_of_staff_have_no_faults(staff_page: Page, path: str) -> None:
    """None that axe knows."""
    assert faults(staff_page, path) == []


@pytest.mark.parametrize("path", PUBLIC_PAGES)
def test_pages_of_the_anonymous_have_no_faults(public_page: Page, path: str) -> None:
    """The last one does not exist for them."""
    assert faults(public_page, path) == []


def test_the_switch_works_with_script_and_without(browser: Browser, hub: Hub) -> None:
    """With it only the chart and the board are exchanged, and the way back leads back."""
    for has_script in (True, False):
        with a_look(browser, hub, Look("light", DESK, has_script), is_staff=False) as page:
            page.goto("/")
            page.get_by_role("link", name="30 d").click()
            page.wait_for_url("**/?window=30d")
            page.get_by_text("last 30 days").wait_for()
            assert page.locator("#activity [aria-current]").inner_text() == "30 d"
            page.go_back()
            page.get_by_text("last 7 days").wait_for()


def test_commands_can_be_copied(browser: Browser, hub: Hub) -> None:
    """The button is there only with script."""
    with a_look(browser, hub, Look("light", DESK), is_staff=True) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto("/repositories/platform/api")
        page.get_by_role("button", name="copy").first.click()
        page.get_by_role("button", name="copied").wait_for()
        assert page.evaluate("navigator.clipboard.readText()") == f"docker pull {hub.host}/platform/api:5.2.0"

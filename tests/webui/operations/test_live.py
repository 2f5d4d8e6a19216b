"""The pages in a real browser: what happens by itself, and what people click."""

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.servers.databases import Databases
from tests.servers.hub import Hub
from tests.webui.browser import DESK, LOOKS, Look, a_browser, a_look

pytestmark = pytest.mark.peer("chromium")

FINISH = """
from django.utils import timezone
from deployer.models import Deployment
Deployment.objects.filter(finished_at=None).update(state="succeeded", finished_at=timezone.now(), waits_for="")
"""
UNFINISH = """
from deployer.models import Deployment
last = Deployment.objects.filter(service__name="storefront").latest("pk")
Deployment.objects.filter(pk=last.pk).update(state="rolling", finished_at=None)
"""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, new_databases: Callable[[], Databases]) -> Iterator[Hub]:
    """Only its web role: nothing works off the deployments of the data."""
    with Hub(tmp_path_factory.mktemp("live"), new_databases(), arguments=("--role", "web")) as hub:
        hub.module("tests.believable")
        yield hub


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with a_browser() as browser:
        yield browser


@pytest.fixture(params=[True, False], ids=["script", "no script"])
def page(request: pytest.FixtureRequest, browser: Browser, hub: Hub) -> Iterator[Page]:
    with a_look(browser, hub, Look("light", DESK, request.param), is_staff=True) as page:
        yield page


def open_unfinished(page: Page, hub: Hub) -> None:
    hub.command("shell", "-c", UNFINISH)
    page.goto("/deployments?state=rolling")
    page.locator("td").get_by_text("rolling out").click()
    page.wait_for_url("**/deployments/*")
    page.get_by_role("heading", name="web/storefront:2.15 on storefront").wait_for()


def test_a_deployment_shows_its_end_by_itself(page: Page, hub: Hub) -> None:
    """With script and without; then the buttons are there, and nobody asks any more."""
    open_unfinished(page, hub)
    assert page.get_by_role("button", name="Deploy again").count() == 0
    hub.command("shell", "-c", FINISH)
    page.get_by_role("button", name="Deploy again").wait_for(timeout=20_000)
    assert page.get_by_role("link", name="Reload").count() == 0
    assert page.locator("[hx-trigger]").count() == 0


def test_a_service_is_made_and_changed_by_clicking(page: Page) -> None:
    """What is wrong is mended in place."""
    name = "made-with-care" if page.locator("script").count() else "made-without-script"
    page.goto("/services")
    page.get_by_role("link", name="New container").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Repository").first.fill("platform/api")
    page.get_by_label("Ports").fill("99999:80")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Line 1: write HOST:CONTAINER").wait_for()
    page.get_by_label("Ports").fill("8080:80")
    page.get_by_role("button", name="Save").click()
    page.get_by_text(f"{name} is saved").wait_for()
    page.get_by_text("127.0.0.1:8080:80/tcp").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text(f"{name} is paused").wait_for()
    page.get_by_text("More", exact=True).click()
    page.get_by_role("button", name="Delete this service").click()
    page.get_by_text(f"{name} is forgotten").wait_for()


def test_events_are_narrowed_and_paged_by_clicking(page: Page) -> None:
    """The filter stays on the way."""
    page.goto("/events")
    page.get_by_label("Repository").fill("platform/api")
    page.get_by_label("Action").select_option("pull")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Older →").click()
    page.wait_for_url("**cursor=before-*")
    assert page.get_by_label("Repository").input_value() == "platform/api"
    rows = page.locator("tbody tr")
    assert rows.count() == rows.filter(has_text="platform/api").filter(has_text="pull").count() > 0
    page.get_by_role("link", name="← Newer").click()
    page.wait_for_url("**cursor=after-*")
    page.locator("tbody tr td a").first.click()
    page.get_by_role("heading", name="As the wire has it").wait_for()


def test_a_filter_is_tried_out_before_it_is_saved(page: Page) -> None:
    """By the button, with script and without; what was filled in is still there."""
    page.goto("/webhooks/-/new")
    page.get_by_label("URL").fill("https://ci.example.org/hook")
    page.get_by_label("Repositories").fill("platform/**")
    page.get_by_role("button", name="Preview").click()
    page.get_by_text(re.compile(r"Matches \d+ of the last 50 events · would have sent [\d,.]+ a day")).wait_for()
    assert page.locator("#preview tbody tr").count() == 50
    assert page.get_by_label("URL").input_value() == "https://ci.example.org/hook"


def test_with_script_the_preview_follows_what_is_filled_in(browser: Browser, hub: Hub) -> None:
    """A mistake is named there too."""
    with a_look(browser, hub, Look("light", DESK), is_staff=True) as page:
        page.goto("/webhooks/-/new")
        page.get_by_label("Versions in tags").fill("newest")
        page.get_by_label("Versions in tags").blur()
        page.locator("#preview").get_by_text("is no range of versions").wait_for()
        page.get_by_label("Versions in tags").fill(">=1")
        page.get_by_label("Versions in tags").blur()
        page.locator("#preview").get_by_text("would have sent").wait_for()


@pytest.mark.only_database("sqlite")
@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_a_preview_has_no_faults(browser: Browser, hub: Hub, look: Look) -> None:
    """None that axe knows, and nothing is wider than the window."""
    with a_look(browser, hub, look, is_staff=True) as page:
        page.goto("/webhooks/-/new")
        page.get_by_label("Repositories").fill("platform/**")
        page.get_by_label("Versions in tags").fill(">=1")
        page.get_by_role("button", name="Preview").click()
        page.get_by_text("would have sent").wait_for()
        assert Axe().run(page).response["violations"] == []
        assert not page.evaluate("document.scrollingElement.scrollWidth > document.documentElement.clientWidth")

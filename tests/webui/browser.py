"""A real browser that looks at a believable hub, logged in and not, in the light and in the dark."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.servers.databases import PASSWORD
from tests.servers.hub import ADMIN, Hub
from tests.servers.peers import find_peer

Theme = Literal["light", "dark"]

PHONE, DESK = (375, 812), (1280, 900)
_ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)


@dataclass(frozen=True, slots=True)
class Look:
    """How somebody looks at a page."""

    theme: Theme
    size: tuple[int, int]
    has_script: bool = True

    def __str__(self) -> str:
        return f"{self.theme} {self.size[0]}x{self.size[1]}"


LOOKS = tuple(Look(theme, size) for theme in ("light", "dark") for size in (PHONE, DESK))


@contextmanager
def a_browser() -> Iterator[Browser]:
    """Debian's Chromium without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_peer("chromium"), args=_ARGUMENTS.split())
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def a_look(browser: Browser, hub: Hub, look: Look, *, is_staff: bool) -> Iterator[Page]:
    """A page of a new visitor, who logs in as the administrator or not."""
    width, height = look.size
    context = browser.new_context(
        base_url=hub.url,
        color_scheme=look.theme,
        viewport={"width": width, "height": height},
        java_script_enabled=look.has_script,
        reduced_motion="reduce",
    )
    try:
        yield _log_in(context) if is_staff else context.new_page()
    finally:
        context.close()


def _log_in(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto("/login")
    page.get_by_label("User name").fill(ADMIN)
    page.get_by_label("Password").fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Log in").click()
    page.wait_for_url("**/")
    return page

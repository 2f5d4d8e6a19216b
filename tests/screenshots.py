"""`python -m tests.screenshots`: photograph the pages of a believable hub into `docs/screenshots/`."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import FloatRect, Page

from tests.servers.databases import database_servers
from tests.servers.hub import Hub
from tests.servers.peers import why_missing
from tests.servers.run import a_run
from tests.webui.browser import DESK, PHONE, Look, a_browser, a_look

FOLDER = Path(__file__).parents[1] / "docs" / "screenshots"
MAX_HEIGHT = 1600
LIGHT, DARK, SMALL = Look("light", DESK), Look("dark", DESK), Look("light", PHONE)


@dataclass(frozen=True, slots=True)
class Picture:
    """`name` is that of the file."""

    name: str
    path: str
    look: Look = LIGHT
    is_staff: bool = True


PICTURES: Sequence[Picture] = (
    Picture("dashboard", "/?window=24h"),
    Picture("dashboard-dark", "/?window=24h", DARK),
    Picture("dashboard-phone", "/?window=24h", SMALL),
    Picture("dashboard-public", "/", is_staff=False),
    Picture("images", "/repositories"),
    Picture("repository", "/repositories/platform/api"),
    Picture("repository-dark", "/repositories/platform/api", DARK),
    Picture("repository-phone", "/repositories/platform/api", SMALL),
    Picture("tag", "/repositories/ml/serving/-/tags/stable"),
    Picture("tag-platforms", "/repositories/platform/api/-/tags/5.2.0"),
    Picture("events", "/events"),
    Picture("events-dark", "/events", DARK),
    Picture("webhooks", "/webhooks"),
    Picture("webhook", "/webhooks/chat-bridge"),
    Picture("deployments", "/deployments"),
    Picture("deployment", "/deployments/6"),
    Picture("deployment-phone", "/deployments/6", SMALL),
    Picture("services", "/services"),
    Picture("service", "/services/api-production"),
    Picture("service-form", "/services/api-production/change"),
    Picture("keeping", "/keeping"),
    Picture("keeping-rule", "/keeping/rules/1"),
    Picture("keeping-verdicts", "/keeping/verdicts?verdict=all"),
    Picture("boards", "/boards"),
    Picture("board", "/boards/trending?window=7d"),
    Picture("board-phone", "/boards/trending?window=7d", SMALL),
    Picture("sources", "/sources"),
    Picture("doctor", "/doctor"),
    Picture("login", "/login", is_staff=False),
)


def main(argv: Sequence[str]) -> int:
    """All pictures, or those that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these pictures")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to (docs/screenshots)")
    arguments = parser.parse_args(argv)
    if missing := why_missing("chromium"):
        print(missing, file=sys.stderr)
        return 2
    chosen = [picture for picture in PICTURES if not arguments.names or picture.name in arguments.names]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with (
        a_run() as folder,
        database_servers("sqlite", folder, fsync=False) as servers,
        Hub(folder / "hub", servers, arguments=("--role", "web")) as hub,
    ):
        hub.module("tests.believable")
        take(hub, chosen, arguments.folder)
    return 0


def take(hub: Hub, pictures: Sequence[Picture], folder: Path) -> None:
    """Each by a visitor of its own."""
    with a_browser() as browser:
        for picture in pictures:
            with a_look(browser, hub, picture.look, is_staff=picture.is_staff) as page:
                page.goto(picture.path)
                _hide_address(page, hub)
                page.screenshot(path=folder / f"{picture.name}.png", full_page=True, clip=_seen(page))
                print(folder / f"{picture.name}.png")


def _seen(page: Page) -> FloatRect:
    """The whole page, or the upper part of a long one."""
    width, height = page.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
    return {"x": 0, "y": 0, "width": width, "height": min(height, MAX_HEIGHT)}


def _hide_address(page: Page, hub: Hub) -> None:
    """Pictures show a registry as people have one, not the port of a test."""
    page.evaluate(
        """([from, to]) => document.querySelectorAll("code, pre").forEach(
            (each) => { each.innerHTML = each.innerHTML.replaceAll(from, to) })""",
        [hub.host, "registry.example.com"],
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

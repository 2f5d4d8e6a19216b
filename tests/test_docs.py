"""The commands in README and docs/ are run as they stand, in a copy of the project, as a reader would.

A fence of `sh serve` starts a hub in the background (`make run`, if a page has none); all fences of `sh` of a page are
one script. Only the ports differ: 5000 and 8080 become free ones. `busybox` is
there as an image already, since nothing can be pulled from outside.
"""

import os
import re
import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.publishing import remove_containers
from tests.servers.clients import import_busybox
from tests.servers.databases import PASSWORD, ROOT, Databases
from tests.servers.docker_engine import DockerEngine
from tests.servers.hub import Hub
from tests.servers.ports import free_port
from tests.servers.run import new_folder

pytestmark = pytest.mark.only_database("sqlite")  # as a reader has it, who has set nothing

FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)#\s]+)[^)]*\)")
HOST = "127.0.0.1:5000"
SERVICE_PORT = "8080"


@dataclass(frozen=True)
class Page:
    path: Path

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    def fences(self, info: str) -> list[str]:
        return [match["text"] for match in FENCE.finditer(self.path.read_text()) if match["info"].strip() == info]


PAGES = [Page(path) for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))]


def scripted(needs_docker: bool) -> list[Page]:
    found = [page for page in PAGES if page.fences("sh")]
    return [page for page in found if ("docker " in "".join(page.fences("sh"))) == needs_docker]


class ReaderHub(Hub):
    """What a page tells its reader to start, in a copy of the project."""

    def __init__(self, folder: Path, command: str, **variables: str) -> None:
        super().__init__(folder, Databases("sqlite"))
        self._variables = variables
        self.project = folder / "registryhub"
        self._command = command

    def prepare(self) -> None:
        super().prepare()
        copy_project(self.project)

    def argv(self) -> list[str]:
        return ["bash", "-c", self._command.replace(HOST, self.host)]

    def environment(self) -> dict[str, str]:
        return {
            **super().environment(),
            **self._variables,
            "HUB_DATA": str(self.project / "var"),
            "HUB_ADMIN_PASSWORD": PASSWORD,
            "REGISTRY_HTTP_ADDR": self.host,
        }

    def working_folder(self) -> Path:
        return self.project


def copy_project(target: Path) -> None:
    """What git knows of and what it would add, with this run's virtual environment."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    (target / ".venv").symlink_to(ROOT / ".venv")


def read_and_do(page: Page, hub: ReaderHub) -> None:
    script = "\n".join(page.fences("sh")).replace(HOST, hub.host).replace(SERVICE_PORT, str(free_port()))
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=hub.project,
        env=hub.environment(),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert result.returncode == 0, f"{page.name}:\n{result.stdout}\n{result.stderr}"


def start_of(page: Page) -> str:
    return next(iter(page.fences("sh serve")), "make run").strip()


@pytest.mark.parametrize("page", scripted(needs_docker=False), ids=lambda page: page.name)
def test_the_commands_of_a_page_work(page: Page) -> None:
    """Each exits with 0 when they are run in the order of the page."""
    with ReaderHub(new_folder("docs"), start_of(page)) as hub:
        read_and_do(page, hub)


@pytest.mark.peer("dockerd", "docker", "busybox", "ip")
@pytest.mark.parametrize("page", scripted(needs_docker=True), ids=lambda page: page.name)
def test_the_docker_commands_of_a_page_work(page: Page) -> None:
    """The same, with a docker engine at hand."""
    with ExitStack() as stack:
        engine = stack.enter_context(DockerEngine(new_folder("docker"), has_bridge=True))
        import_busybox(engine)
        variables = {"DOCKER_HOST": engine.url, "DOCKER_BUILDKIT": "0"}
        hub = stack.enter_context(ReaderHub(new_folder("docs"), start_of(page), **variables))
        try:
            read_and_do(page, hub)
        finally:
            remove_containers(engine)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Page) -> None:
    """Every relative link names a file of the project."""
    targets = [match["target"] for match in LINK.finditer(page.path.read_text())]
    missing = [
        target
        for target in targets
        if not target.startswith(("http://", "https://")) and not (page.path.parent / target).exists()
    ]
    assert not missing


def test_every_fence_is_run_or_plainly_no_command() -> None:
    """`bash`, `console` and the like would look like commands and never be run."""
    unknown = {
        f"{page.name}: {match['info']}"
        for page in PAGES
        for match in FENCE.finditer(page.path.read_text())
        if match["info"].strip() not in {"sh", "sh serve", "text", "yaml", "json", "http", "python", "nginx", "ini"}
    }
    assert not unknown, os.linesep.join(sorted(unknown))

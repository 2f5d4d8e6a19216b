"""One hub for all clients, each of which has repositories of its own."""

from collections.abc import Callable, Iterator

import pytest

from tests.servers.databases import Databases
from tests.servers.hub import Hub
from tests.servers.run import new_folder


@pytest.fixture(scope="package")
def hub(new_databases: Callable[[], Databases]) -> Iterator[Hub]:
    """An open registry where deleting is allowed."""
    with Hub(new_folder("hub"), new_databases()) as hub:
        yield hub

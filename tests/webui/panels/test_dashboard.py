"""The dashboard as a whole: for whom, for how many queries, with what beside the numbers."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.analytics.windows import WINDOWS
from tests.webui.filled import count, log_push, make_repository, store_image
from tests.webui.operations.scene import log, make_deployment, make_endpoint, make_service
from webui.panels.dashboard import dashboard

pytestmark = pytest.mark.django_db

EXCHANGE = {"HX-Request": "true", "HX-Target": "activity"}


@pytest.fixture
def busy() -> None:
    """Far more of everything than is shown."""
    for number in range(40):
        repository = make_repository(f"many/{number}", is_public=number % 2 == 0)
        count(repository, pulls=number + 1)
        log_push(repository, "v1", digest=store_image(repository, f"text {number}", "v1"))
    for number in range(12):
        make_endpoint(f"endpoint-{number}", position=number)
        make_deployment(make_service(f"service-{number}"), runs=True)


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize("window", WINDOWS)
def test_the_number_of_queries_is_fixed(staff: Client, client: Client, window: str) -> None:
    """For the anonymous fewer, and after that none until the page is some seconds old."""
    for reader, most in ((staff, 14), (client, 9), (client, 0)):
        with CaptureQueriesContext(connection) as queries:
            assert reader.get("/", {"window": window}).status_code == 200
        assert len(queries) <= most, [query["sql"][:100] for query in queries]


@pytest.mark.usefixtures("busy")
def test_only_staff_see_what_the_hub_does(staff: Client, client: Client) -> None:
    """Deployments, endpoints and the disk."""
    page = staff.get("/").content.decode()
    for shown in ("service-11", "endpoint-0", "of the disk", "public and private"):
        assert shown in page
    for reader in (client, member()):
        page = reader.get("/").content.decode()
        for hidden in ("service-", "endpoint-", "of the disk", "many/1<", "a-robot", "/webhooks", "/admin"):
            assert hidden not in page


def test_endpoints_in_trouble_come_first(staff: Client) -> None:
    """With what waits for them, and for how long."""
    log("shop/web", count=5)
    make_endpoint("all-well", position=5)
    make_endpoint("in-trouble", position=2, consecutive_failures=12)
    page = staff.get("/").content.decode()
    assert page.index("in-trouble") < page.index("all-well")
    assert "3 waiting" in page
    assert "0 waiting" in page


@pytest.mark.usefixtures("busy")
def test_with_script_only_chart_and_board_are_exchanged(staff: Client) -> None:
    """The board goes to its own place beside the chart; nothing else is asked of the database."""
    with CaptureQueriesContext(connection) as queries:
        part = staff.get("/?window=30d", headers=EXCHANGE).content.decode()
    assert "<html" not in part
    assert 'id="activity"' in part
    assert 'id="board"' in part
    assert 'hx-swap-oob="true"' in part
    assert len(queries) <= 7
    assert "hx-swap-oob" not in staff.get("/").content.decode()


@pytest.mark.usefixtures("busy")
def test_all_who_see_the_same_share_the_chart() -> None:
    """Staff do not share it with others."""
    now = timezone.now()
    public = dashboard(AnonymousUser(), "7d", now)
    with CaptureQueriesContext(connection) as queries:
        assert dashboard(User(), "7d", now).activity == public.activity
    assert len(queries) == 5
    assert dashboard(User(is_staff=True), "7d", now).activity != public.activity


def test_names_are_text(staff: Client) -> None:
    """Other registries call their images what they like."""
    count(make_repository("<script>alert(1)</script>", source="harbor"), pulls=3)
    page = staff.get("/").content.decode()
    assert "<script>alert" not in page
    assert "/repositories/%3Cscript%3Ealert%281%29%3C/script%3E?source=harbor" in page


def member() -> Client:
    """Logged in, and nothing more."""
    client = Client()
    client.force_login(User.objects.create_user("mel"))
    return client

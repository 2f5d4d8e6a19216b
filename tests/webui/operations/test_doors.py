"""Who comes in where."""

import pytest
from django.test import Client

from deployer.models import Deployment, Service
from notifications.delivery.models import Endpoint
from tests.webui.operations import scene

pytestmark = pytest.mark.django_db

STAFF_PAGES = (
    *("/webhooks", "/webhooks/ci", "/services", "/services/web", "/deployments", "/deployments/1"),
    *("/services/-/new/container", "/services/web/change", "/webhooks/-/new", "/webhooks/-/1/change"),
)
ACTS = (
    *("/webhooks/ci", "/services/web/pause", "/services/web/resume", "/services/web/key", "/services/web/delete"),
    *("/services/web/change", "/services/-/new/container", "/deployments/1/retry", "/deployments/1/rollback"),
    *("/webhooks/-/new", "/webhooks/-/1/change", "/webhooks/-/1/secret", "/webhooks/-/1/delete"),
)


@pytest.fixture(autouse=True)
def things() -> None:
    scene.make_endpoint("ci")
    scene.make_deployment(scene.make_service(), pk=1, runs=True)


def is_untouched() -> bool:
    is_same = not Endpoint.objects.get().is_paused and not Service.objects.get().is_paused
    return is_same and Deployment.objects.count() == 1


@pytest.mark.parametrize("path", STAFF_PAGES)
def test_pages_for_staff_send_the_anonymous_to_the_login(path: str) -> None:
    """And back to the page afterwards."""
    answer = scene.visitor().get(f"{path}?cursor=before-3")
    assert answer.status_code == 302
    assert answer["location"].endswith(f"?next={path}%3Fcursor%3Dbefore-3")


@pytest.mark.parametrize("path", STAFF_PAGES)
def test_pages_for_staff_are_refused_to_other_users(path: str) -> None:
    """403, not the login again."""
    assert scene.member().get(path).status_code == 403


@pytest.mark.parametrize("path", ACTS)
@pytest.mark.parametrize("who", [scene.visitor, scene.member, scene.staff])
def test_nobody_acts_without_the_right_to(path: str, who: object) -> None:
    """Staff who may only look, neither."""
    client: Client = who()  # type: ignore[operator]
    answer = client.post(path, {"act": "pause"})
    assert answer.status_code == (302 if who is scene.visitor else 403)
    assert is_untouched()


@pytest.mark.parametrize("path", [act for act in ACTS if not act.endswith(("change", "container", "ci", "new"))])
def test_acts_are_posts(path: str) -> None:
    """A link that somebody follows changes nothing."""
    assert scene.superuser().get(path).status_code == 405
    assert is_untouched()


@pytest.mark.parametrize("path", ACTS)
def test_acts_need_the_token_of_the_page(path: str) -> None:
    """A form on another site changes nothing."""
    client = Client(enforce_csrf_checks=True)
    client.cookies = scene.superuser().cookies
    assert client.post(path, {"act": "pause"}).status_code == 403
    assert is_untouched()


@pytest.mark.parametrize(
    "path",
    [
        *("/events/99", "/events/99999999999999999999999", "/webhooks/none", "/webhooks/77", "/services/none"),
        *("/services/-/new/robot", "/deployments/77", "/deployments/99999999999999999999999"),
        *("/webhooks/-/77/change", "/webhooks/-/99999999999999999999999/change"),
    ],
)
def test_what_is_not_there_is_404(path: str) -> None:
    """However long its number is."""
    assert scene.superuser().get(path).status_code == 404


@pytest.mark.parametrize("path", ["/events", "/webhooks", "/webhooks/ci", "/services", "/services/web", "/deployments"])
def test_the_navigation_says_where_one_is(path: str) -> None:
    """A page belongs to its section."""
    section = path.split("/")[1]
    assert f'<a href="/{section}" aria-current="page">' in scene.read(scene.staff(), path)

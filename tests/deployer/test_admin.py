"""The admin's pages of services and deployments."""

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from deployer.definitions import SEAL
from deployer.models import Service
from deployer.targets.memory import Behaviour
from tests.deployer.deploying import container_target, engine_with, make_service, push, pushed, states, work

pytestmark = pytest.mark.django_db(transaction=True)

FORM = {
    "name": "web",
    "kind": "container",
    "debounce_seconds": "2",
    "settings": '{"ports": ["8080:80"]}',
    "environment": "PASSWORD=hush\nMODE=a=b\n",
    "rules-TOTAL_FORMS": "1",
    "rules-INITIAL_FORMS": "0",
    "rules-0-repository": "shop/web",
    "rules-0-tag_pattern": "*",
    "rules-0-is_enabled": "on",
}


@pytest.fixture
def root(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_a_superuser_defines_a_service(root: Client) -> None:
    """With a rule; what was typed as environment is not shown again."""
    answer = root.post("/admin/deployer/service/add/", FORM, follow=True)
    service = Service.objects.get()
    assert service.settings == {"ports": ["8080:80"]}
    assert SEAL.unseal(service.sealed) == {"environment": {"PASSWORD": "hush", "MODE": "a=b"}}
    assert service.rules.get().repository == "shop/web"
    page = root.get(f"/admin/deployer/service/{service.pk}/change/").content
    assert b"hush" not in answer.content + page
    assert b"MODE, PASSWORD" in page
    change = {**FORM, "environment": "", "debounce_seconds": "3", "name": "another", "kind": "call"}
    root.post(f"/admin/deployer/service/{service.pk}/change/", change)
    service.refresh_from_db()
    assert SEAL.unseal(service.sealed)["environment"]["PASSWORD"] == "hush"
    assert (service.debounce_seconds, service.name, service.kind) == (3, "web", "container")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"settings": '{"ports": ["x"]}'}, b"write HOST:CONTAINER"),
        ({"settings": '{"mounts": ["/etc:/etc"]}'}, b"hub.deployer.binds"),
        ({"settings": "{"}, b"Enter a valid JSON"),
        ({"environment": "PASSWORD hush"}, b"Write NAME=value on each line"),
        ({"environment": "1A=x"}, b"is no name of a variable"),
        ({"name": "Web Shop"}, b"lower-case letters"),
    ],
)
def test_what_is_wrong_is_said_at_the_field(root: Client, change: dict[str, str], said: bytes) -> None:
    """And nothing is stored."""
    answer = root.post("/admin/deployer/service/add/", {**FORM, **change})
    assert said in answer.content
    assert not Service.objects.exists()


def test_a_call_shows_its_key_once(root: Client) -> None:
    """As a message after it is saved."""
    call = {**FORM, "kind": "call", "settings": '{"url": "https://deploy.example.org/"}', "environment": ""}
    answer = root.post("/admin/deployer/service/add/", call, follow=True)
    key = SEAL.unseal(Service.objects.get().sealed)["key"]
    assert key.encode() in answer.content
    assert key.encode() not in root.get(f"/admin/deployer/service/{Service.objects.get().pk}/change/").content


def test_staff_look_and_do_not_define(client: Client) -> None:
    """Whatever permissions they have."""
    ada = User.objects.create_user("ada", is_staff=True)
    ada.user_permissions.set(Permission.objects.all())
    client.force_login(ada)
    service = make_service()
    assert client.get("/admin/deployer/service/").status_code == 200
    assert client.get("/admin/deployer/service/add/").status_code == 403
    assert client.post(f"/admin/deployer/service/{service.pk}/change/", FORM).status_code == 403
    client.post("/admin/deployer/service/", {"action": "pause", "_selected_action": [service.pk]})
    service.refresh_from_db()
    assert not service.is_paused


def test_services_are_paused_and_resumed(root: Client) -> None:
    """As actions of the list."""
    service = make_service()
    for action, is_paused in (("pause", True), ("resume", False)):
        root.post("/admin/deployer/service/", {"action": action, "_selected_action": [service.pk]})
        service.refresh_from_db()
        assert service.is_paused == is_paused


def test_deployments_are_looked_at_retried_and_rolled_back(root: Client) -> None:
    """What cannot be done is said."""
    engine = engine_with(v1=Behaviour(), v2=Behaviour())
    service = make_service()
    for seq in (1, 2):
        push(pushed(seq, seq))
        work(service, container_target(engine))
    with CaptureQueriesContext(connection) as queries:
        assert root.get("/admin/deployer/deployment/").status_code == 200
    assert len(queries) <= 12
    first, second = service.deployments.order_by("id")
    page = root.get(f"/admin/deployer/deployment/{second.pk}/change/").content
    assert b"remove old" in page
    answer = root.post(
        "/admin/deployer/deployment/", {"action": "roll_back", "_selected_action": [first.pk]}, follow=True
    )
    assert b"nothing else ran before" in answer.content
    root.post("/admin/deployer/deployment/", {"action": "roll_back", "_selected_action": [second.pk]})
    work(service, container_target(engine))
    third = service.deployments.get(cause="roll_back")
    root.post("/admin/deployer/deployment/", {"action": "retry", "_selected_action": [third.pk]})
    assert states(service) == ["succeeded", "succeeded", "succeeded", "waiting"]

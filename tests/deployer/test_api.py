"""The REST face of the deployer: staff look, superusers define, and secrets stay within."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployer.definitions import SEAL, rotate_key
from deployer.models import Deployment, Rule, Service
from deployer.targets.memory import Behaviour
from notifications.log.models import Event
from tests.deployer.deploying import container_target, engine_with, make_service, push, pushed, work
from tests.rest import Rest, staff, visitor

pytestmark = pytest.mark.django_db(transaction=True)

WEB: dict[str, Any] = {
    "name": "web",
    "settings": {"ports": ["8080:80"]},
    "environment": {"PASSWORD": "hush"},
    "rules": [{"repository": "shop/web", "tag_pattern": "v*", "actor": "ci"}],
}
CALL: dict[str, Any] = {"name": "hook", "kind": "call", "settings": {"url": "https://deploy.example.org/"}}


def root() -> Rest:
    return Rest(User.objects.create_superuser("root"))


def test_a_service_is_defined_with_its_rules() -> None:
    """The values of its environment are taken and never shown again."""
    reply = root().ask("POST", "services", WEB)
    assert reply.status == 201, reply.text
    assert "hush" not in reply.text
    found = reply.document
    assert (found["name"], found["kind"], found["environment_names"]) == ("web", "container", ["PASSWORD"])
    assert found["rules"] == [
        {"source": None, "repository": "shop/web", "tag_pattern": "v*", "actor": "ci", "is_enabled": True}
    ]
    assert SEAL.unseal(Service.objects.get().sealed) == {"environment": {"PASSWORD": "hush"}}


def test_a_change_keeps_what_it_does_not_name() -> None:
    """Rules, environment and settings; it takes effect with the next deployment."""
    user = root()
    user.ask("POST", "services", WEB)
    assert user.ask("PATCH", "services/web", {"debounce_seconds": 9}).status == 200
    service = Service.objects.get()
    assert (service.debounce_seconds, service.settings) == (9, {"ports": ["8080:80"]})
    assert SEAL.unseal(service.sealed) == {"environment": {"PASSWORD": "hush"}}
    assert service.rules.count() == 1
    user.ask("PATCH", "services/web", {"environment": {"A": "1"}, "rules": []})
    service.refresh_from_db()
    assert SEAL.unseal(service.sealed) == {"environment": {"A": "1"}}
    assert not service.rules.exists()


def test_the_key_of_a_call_is_shown_once() -> None:
    """When it is made, and not when it is asked for later."""
    user = root()
    made = user.ask("POST", "services", CALL).document
    assert made["key"].startswith("whsec_")
    assert SEAL.unseal(Service.objects.get().sealed) == {"key": made["key"]}
    assert made["key"] not in user.get("services/hook").text
    assert made["key"] not in user.ask("PATCH", "services/hook", {"is_paused": True}).text


@pytest.mark.parametrize("change", [{"name": "shop"}, {"kind": "call", "settings": CALL["settings"]}])
def test_name_and_kind_stay(change: dict[str, Any]) -> None:
    """Under another name the container that runs would be left behind, and two would run."""
    user = root()
    user.ask("POST", "services", WEB)
    reply = user.ask("PATCH", "services/web", change)
    assert reply.status == 400
    assert "cannot be changed" in reply.text
    assert Service.objects.get().kind == "container"


def test_headers_of_a_call_are_secrets() -> None:
    """Taken, kept when they are not named, sent, and never shown."""
    user = root()
    with_header = {**CALL, "settings": {**CALL["settings"], "headers": {"Authorization": "Bearer hush"}}}
    assert "hush" not in user.ask("POST", "services", with_header).text
    assert user.get("services/hook").document["settings"] == CALL["settings"]
    user.ask("PATCH", "services/hook", {"settings": {**CALL["settings"], "timeout_seconds": 9}})
    service = Service.objects.get()
    assert SEAL.unseal(service.sealed)["headers"] == {"Authorization": "Bearer hush"}
    key = rotate_key(service)
    assert SEAL.unseal(Service.objects.get().sealed) == {"key": key, "headers": {"Authorization": "Bearer hush"}}
    user.ask("PATCH", "services/hook", {"settings": {**CALL["settings"], "headers": {}}})
    assert SEAL.unseal(Service.objects.get().sealed)["headers"] == {}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"name": "Web Shop"}, "name"),
        ({"settings": {"ports": ["x"]}}, "settings"),
        ({"settings": {"mounts": ["/etc:/etc"]}}, "settings"),
        ({"environment": {"1A": "x"}}, "settings"),
        ({"kind": "call", "settings": {}}, "settings"),
        ({"kind": "rocket"}, "kind"),
        ({"rules": [{"repository": ""}]}, "rules"),
        ({"debounce_seconds": -1}, "settings"),
        ({"debounce_seconds": "nan"}, "debounce_seconds"),
        ({"debounce_seconds": 1e9}, "settings"),
    ],
)
def test_what_is_wrong_is_told_by_key(change: dict[str, Any], key: str) -> None:
    """And nothing is stored."""
    reply = root().ask("POST", "services", {**WEB, **change})
    assert reply.status == 400
    assert key in reply.document
    assert not Service.objects.exists()


def test_only_superusers_define_services() -> None:
    """Staff with every permission may look; visitors see nothing at all."""
    make_service()
    everything = User.objects.create_user("ada", is_staff=True)
    everything.user_permissions.set(Permission.objects.all())
    user = Rest(everything)
    assert user.get("services").status == user.get("services/web").status == 200
    assert user.ask("POST", "services", WEB).status == 403
    assert user.ask("PATCH", "services/web", {"is_paused": True}).status == 403
    assert user.ask("DELETE", "services/web").status == 403
    for path in ("services", "services/web", "services/web/backtest", "deployments", "deployments/1"):
        assert visitor().get(path).status in (401, 403)


def test_a_service_is_not_deleted_during_a_deployment() -> None:
    """Its container would be left half-way."""
    user, service = root(), make_service()
    push(pushed(1, 1))
    Deployment.objects.update(state="rolling")
    assert user.ask("DELETE", "services/web").status == 409
    Deployment.objects.update(state="failed")
    assert user.ask("DELETE", "services/web").status == 204
    assert not Service.objects.filter(pk=service.pk).exists()


def test_deployments_are_listed_and_filtered() -> None:
    """The newest first, in a fixed number of queries; one of them with its steps."""
    engine = engine_with(v1=Behaviour(), v2=Behaviour())
    service, user = make_service(), staff()
    for seq in (1, 2):
        push(pushed(seq, seq))
        work(service, container_target(engine))
    push(pushed(3, 3, tag="next"))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = user.get("deployments").document["results"]
    assert len(queries) <= 6
    assert [(each["service"], each["state"], each["source"]) for each in found] == [
        ("web", "waiting", "hub"),
        ("web", "succeeded", "hub"),
        ("web", "succeeded", "hub"),
    ]
    for query, count in (("state=waiting", 1), ("state=waiting&state=succeeded", 3), ("tag=next", 1), ("seq=2", 1)):
        assert len(user.get(f"deployments?{query}").document["results"]) == count, query
    detail = user.get(f"deployments/{found[1]['id']}").document
    assert next(step["name"] for step in detail["steps"]) == "pull"
    assert all(step["duration_seconds"] >= 0 for step in detail["steps"])


def test_trying_again_and_going_back_need_the_permission() -> None:
    """And sense: what is not finished can be neither."""
    engine = engine_with(v1=Behaviour(), v2=Behaviour())
    service = make_service()
    for seq in (1, 2):
        push(pushed(seq, seq))
        work(service, container_target(engine))
    second = service.deployments.get(last_seq=2)
    ada = User.objects.create_user("ada", is_staff=True)
    assert Rest(ada).ask("POST", f"deployments/{second.pk}/rollback").status == 403
    ada.user_permissions.add(Permission.objects.get(codename="change_deployment"))
    user = Rest(User.objects.get(pk=ada.pk))
    back = user.ask("POST", f"deployments/{second.pk}/rollback")
    assert (back.status, back.document["cause"], back.document["requested_by"]) == (201, "roll_back", "ada")
    assert user.ask("POST", f"deployments/{back.document['id']}/retry").status == 409
    assert user.ask("POST", f"deployments/{second.pk}/retry/").status == 201
    assert user.ask("POST", "deployments/999/retry").status == 404
    assert user.ask("POST", "services/web/deploy").status == 409  # nothing of it is in the log


def test_a_backtest_says_what_would_have_been_deployed() -> None:
    """The latest pushes to the repositories of the rules, and whether they match."""
    service = make_service(rule=False)
    Rule.objects.create(service=service, repository="shop/web", tag_pattern="v*")
    Event.objects.bulk_create(
        Event(**pushed(seq, seq, tag=tag)._asdict()) for seq, tag in enumerate(("v1", "edge", "v2"), 1)
    )
    found = staff().get("services/web/backtest?limit=50").document
    assert (found["matched"], found["tried"]) == (2, 3)
    assert [(each["tag"], each["matches"]) for each in found["pushes"]] == [
        ("v2", True),
        ("edge", False),
        ("v1", True),
    ]
    assert staff_again().get("services/web/backtest?limit=x").status == 400


def staff_again() -> Rest:
    return Rest(User.objects.get(username="ada"))

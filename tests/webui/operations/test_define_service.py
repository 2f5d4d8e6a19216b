"""Making and changing services."""

from typing import Any

import pytest
from pytest_django import Settings

from deployer.definitions import environment_names, header_names
from deployer.models import Rule, Service
from registryhub.access.models import Source
from registryhub.config.deployer import Deployer
from tests.webui.operations import scene

pytestmark = pytest.mark.django_db

NEW = "/services/-/new/container"
NO_RULES = {"rules-TOTAL_FORMS": "0", "rules-INITIAL_FORMS": "0"}
BLANK = {"tag_pattern": "*", "is_enabled": "on"}


def form(*rules: dict[str, str], existing: int = 0, **fields: Any) -> dict[str, str]:
    """What a browser sends; each rule is a row."""
    rows = {f"rules-{number}-{name}": value for number, rule in enumerate(rules) for name, value in rule.items()}
    counts = {"rules-TOTAL_FORMS": str(len(rules)), "rules-INITIAL_FORMS": str(existing)}
    return {"name": "web", "debounce_seconds": "2", **counts, **rows, **fields}


def rule(repository: str, **fields: str) -> dict[str, str]:
    return {"repository": repository, **BLANK, **fields}


def rules_of(service: Service) -> list[tuple[str, str]]:
    return list(service.rules.order_by("id").values_list("repository", "tag_pattern"))


def post(path: str, data: dict[str, str], status: int = 302) -> str:
    answer = scene.superuser().post(path, data)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


def test_a_container_is_defined_by_fields() -> None:
    """Lists by lines, a command by words; what is left empty has the deployer's defaults."""
    post(
        NEW,
        form(
            rule("shop/web", tag_pattern="v*"),
            BLANK,
            ports="8080:80\r\n\r\n 53:53/udp ",
            mounts="data:/var/lib/app:ro",
            networks="backend\nfrontend",
            command="serve --name 'the shop'",
            labels="team=platform\nurl=https://x.example/?a=b",
            restart="on-failure",
            health_command="wget -q http://localhost/",
            health_retries="5",
            stop_seconds="0.5",
            environment="MODE=a=b\nEMPTY=",
        ),
    )
    service = Service.objects.get()
    assert service.settings == {
        "ports": ["8080:80", "53:53/udp"],
        "mounts": ["data:/var/lib/app:ro"],
        "networks": ["backend", "frontend"],
        "command": ["serve", "--name", "the shop"],
        "labels": {"team": "platform", "url": "https://x.example/?a=b"},
        "restart": "on-failure",
        "stop_seconds": 0.5,
        "health": {"command": "wget -q http://localhost/", "retries": 5},
    }
    assert (service.name, service.kind, service.is_paused) == ("web", "container", False)
    assert environment_names(service) == ["EMPTY", "MODE"]
    assert rules_of(service) == [("shop/web", "v*")]


def test_the_least_that_a_container_needs_is_a_name() -> None:
    """Everything else has a default."""
    post(NEW, form())
    assert Service.objects.get().settings == {}


def test_the_key_of_a_signed_call_is_shown_once() -> None:
    """After it is made, and not when it is changed."""
    root = scene.superuser()
    fields: dict[str, Any] = {
        "url": "https://deploy.example.org/hook",
        "headers": "X-Token: a:b",
        "timeout_seconds": "9",
    }
    page = root.post("/services/-/new/call", form(rule("shop/web"), **fields), follow=True).content.decode()
    assert "shown this once: whsec_" in page
    assert Service.objects.get().settings == {
        "url": "https://deploy.example.org/hook",
        "timeout_seconds": 9,
    }
    assert header_names(Service.objects.get()) == ["X-Token"]
    page = root.post("/services/web/change", form(**fields), follow=True).content.decode()
    assert "is saved" in page
    assert "whsec_" not in page


@pytest.mark.parametrize(
    ("fields", "name", "problem"),
    [
        ({"name": "Web Shop"}, "name", "Use 2 to 63 lower-case letters"),
        ({"name": "taken"}, "name", "already exists"),
        ({"debounce_seconds": "soon"}, "debounce_seconds", "Enter a number"),
        ({"ports": "8080:80\n99999:80"}, "ports", "Line 2: write HOST:CONTAINER"),
        ({"mounts": "somewhere"}, "mounts", "Line 1: write VOLUME:/path"),
        ({"mounts": "/etc:/x"}, "mounts", "hub.deployer.binds"),
        ({"networks": "host"}, "networks", "hub.deployer.host_network"),
        ({"networks": "none\nbackend"}, "networks", "host and none stand alone"),
        ({"order": "start-first", "ports": "8080:80"}, "order", "cannot go with ports of the host"),
        ({"command": "echo 'open"}, "command", "cannot be taken apart"),
        ({"labels": "alone"}, "labels", "Line 1: write a name"),
        ({"health_retries": "3"}, "health_command", "Field required"),
        ({"health_command": '["open'}, "health_command", "A list is written"),
        ({"health_command": "[1]"}, "health_command", "should be a valid string"),
        ({"running_seconds": "0"}, "running_seconds", "greater than 0"),
        ({"restart": "sometimes"}, "restart", "Select a valid choice"),
        ({"environment": "alone"}, "environment", "Write NAME=value"),
        ({"environment": "1x=secret-value"}, "environment", "is no name of a variable"),
    ],
)
def test_each_problem_stands_beside_its_field(fields: dict[str, Any], name: str, problem: str) -> None:
    """Nothing is saved, and what was written is still there."""
    scene.make_service("taken")
    page = post(NEW, form(rule("shop/web"), **fields), 422)
    start = page.index(f'id="id_{name}_error"')
    assert problem in page[start : page.index("</ul>", start)]
    assert 'value="shop/web"' in page
    assert Service.objects.count() == 1


def test_a_problem_of_a_rule_stands_in_its_row() -> None:
    """Here a tag without a repository."""
    page = post(NEW, form(rule("shop/web"), {**BLANK, "tag_pattern": "v*"}), 422)
    assert 'id="id_rules-1-repository_error"' in page


def test_a_url_that_is_none_is_refused() -> None:
    """By the deployer's own words."""
    page = post("/services/-/new/call", form(url="https://me:secret@deploy.example.org/"), 422)
    assert 'id="id_url_error"' in page


def test_a_form_shows_what_a_service_is() -> None:
    """And sent back as it is, it changes nothing."""
    kept: dict[str, Any] = {
        "ports": ["8080:80"],
        "command": ["serve", "the shop"],
        "labels": {"team": "platform"},
        "restart": "no",
        "health": {"command": ["wget", "-q", "http://localhost/"], "interval_seconds": 1.5},
    }
    service = scene.make_service(settings=kept)
    scene.define(service, environment={"TOKEN": "very-secret"})
    root = scene.superuser()
    page = scene.read(root, "/services/web/change")
    for shown in ("8080:80", "serve &#x27;the shop&#x27;", "team=platform", "Set now: TOKEN", 'value="shop/web"'):
        assert shown in page
    assert "very-secret" not in page
    root.post("/services/web/change", scene.filled(page))
    service.refresh_from_db()
    assert service.settings == kept
    assert environment_names(service) == ["TOKEN"]


def test_rules_that_were_not_touched_keep_their_rows() -> None:
    """Deployments refer to them."""
    service = scene.make_service()
    before = service.rules.get().pk
    root = scene.superuser()
    root.post("/services/web/change", {**scene.filled(scene.read(root, "/services/web/change")), "user": "1000"})
    assert Service.objects.get().settings == {"user": "1000"}
    assert service.rules.get().pk == before


def test_rules_are_added_changed_and_removed() -> None:
    """The rows that are sent are all there are."""
    edge = Source.objects.create(name="edge")
    service = scene.make_service()
    Rule.objects.create(service=service, repository="shop/old")
    rows = (rule("shop/web", tag_pattern="v2.*"), rule("shop/old", DELETE="on"), rule("shop/new", source=str(edge.pk)))
    post("/services/web/change", form(*rows, existing=2))
    assert rules_of(service) == [("shop/web", "v2.*"), ("shop/new", "*")]
    assert service.rules.get(repository="shop/new").source == edge


def test_changing_a_service_leaves_its_state_alone() -> None:
    """What runs, and whether it is paused."""
    service = scene.make_service(is_paused=True)
    deployment = scene.make_deployment(service, runs=True)
    post("/services/web/change", form(user="1000"))
    service.refresh_from_db()
    assert (service.is_paused, service.current_id) == (True, deployment.pk)


def test_what_the_configuration_allows_is_allowed(settings: Settings) -> None:
    """A folder of the host, its network."""
    deployer = Deployer.model_validate({"binds": ["/srv"], "host_network": True})
    settings.HUB = settings.HUB.model_copy(update={"hub": settings.HUB.hub.model_copy(update={"deployer": deployer})})
    post(NEW, form(mounts="/srv/web:/data", networks="host"))
    assert Service.objects.get().settings == {"mounts": ["/srv/web:/data"], "networks": ["host"]}


def test_secrets_of_another_key_are_asked_for_again() -> None:
    """The form says so."""
    service = scene.make_service()
    Service.objects.filter(pk=service.pk).update(sealed="not-of-this-key")
    assert "enter them again" in post("/services/web/change", form(), 422)

"""Services as pages."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployer.definitions import Definition, define
from deployer.models import Deployment, Rule, Service
from registryhub.access.models import Source
from tests.webui.operations import scene

pytestmark = pytest.mark.django_db

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OTHER = "sha256:" + "b" * 64
CALL = {"url": "https://deploy.example.org/hook", "headers": {"Authorization": "Bearer very-secret"}}


def test_services_show_what_runs_and_when_it_is_replaced() -> None:
    """Kind, image, rules, whether it is paused, and the last deployment."""
    service = scene.make_service(is_paused=True)
    Rule.objects.create(service=service, repository="shop/api", source=Source.objects.create(name="edge"))
    scene.make_deployment(service, runs=True)
    scene.make_deployment(service, state="failed", reason="no such image")
    page = scene.read(scene.staff(), "/services")
    for shown in ("container on the Docker engine", ">paused<", "shop/web:v*", "edge", "9f2c4e81b0aa", "no such image"):
        assert shown in page


def test_without_a_service_the_page_says_what_one_is() -> None:
    """Only superusers are led to making one."""
    page = scene.read(scene.staff(), "/services")
    assert "No service is defined" in page
    assert "/services/-/new/" not in page
    assert "/services/-/new/container" in scene.read(scene.superuser(), "/services")


def test_a_service_shows_rules_and_settings() -> None:
    """Those of a container as the deployer understands them; variables by name only."""
    service = scene.make_service(settings={"ports": ["8080:80"], "networks": ["backend"], "order": "stop-first"})
    scene.define(service, environment={"DATABASE_PASSWORD": "very-secret"})
    scene.make_deployment(service, runs=True)
    page = scene.read(scene.staff(), "/services/web")
    for shown in ("127.0.0.1:8080:80/tcp", "backend", "unless-stopped", "DATABASE_PASSWORD", ">shop/web<", ":v*"):
        assert shown in page
    assert "very-secret" not in page


def test_values_of_headers_are_not_shown() -> None:
    """They may be passwords, and are kept with the secrets."""
    service = scene.make_service(kind="call")
    define(service, Definition("web", Service.Kind.CALL, CALL))
    page = scene.read(scene.staff(), "/services/web")
    assert "https://deploy.example.org/hook" in page
    assert "Authorization" in page
    assert "very-secret" not in page


def test_settings_that_cannot_be_used_any_more_are_shown_as_they_are() -> None:
    """With what is wrong: the configuration may have changed since."""
    scene.make_service(settings={"mounts": ["/etc:/host-etc"]})
    page = scene.read(scene.staff(), "/services/web")
    assert "/etc is not below a folder of hub.deployer.binds" in page
    assert "&quot;/etc:/host-etc&quot;" in page


def test_broken_settings_of_a_call_do_not_show_its_headers() -> None:
    """Not even then."""
    scene.make_service(kind="call", settings={**CALL, "url": "ftp://deploy.example.org"})
    page = scene.read(scene.staff(), "/services/web")
    assert "must be an http:// or https:// URL" in page
    assert "very-secret" not in page


def test_the_rules_are_tried_on_what_was_pushed() -> None:
    """How many of the last pushes to their repositories match, and which."""
    scene.log("shop/web", tag="v1", media_type=MANIFEST, count=2)
    scene.log("shop/web", tag="latest", media_type=MANIFEST)
    scene.log("shop/api", tag="v1", media_type=MANIFEST)
    scene.make_service()
    page = scene.read(scene.staff(), "/services/web")
    assert "matches 2 of the last 3 pushes" in page
    assert page.count("</span>matches</span>") == 2
    assert page.count("</span>left alone</span>") == 1


@pytest.mark.parametrize("kind", ["container", "call"])
def test_a_service_is_paused_and_resumed(kind: str) -> None:
    """By superusers; nothing else of it changes."""
    service = scene.make_service(kind=kind, settings=CALL if kind == "call" else {"ports": ["8080:80"]})
    deployment = scene.make_deployment(service, runs=True)
    Service.objects.update(holder="a worker", epoch=7)
    root = scene.superuser()
    before = Service.objects.values().get()
    answer = root.post("/services/web/pause", follow=True)
    assert "web is paused" in answer.content.decode()
    paused = Service.objects.get()
    assert paused.is_paused
    assert (paused.holder, paused.epoch, paused.current_id) == ("a worker", 7, deployment.pk)
    assert "by its rules again" in root.post("/services/web/resume", follow=True).content.decode()
    after = Service.objects.values().get()
    assert {**after, "sealed": ""} == {**before, "sealed": ""}
    assert Rule.objects.count() == 1


def test_what_is_not_possible_is_said() -> None:
    """A container has no key; settings that cannot be used are to be mended first."""
    service = scene.make_service(settings={"mounts": ["/etc:/host-etc"]})
    root = scene.superuser()
    assert "only a signed HTTP call has a key" in root.post("/services/web/key", follow=True).content.decode()
    scene.make_deployment(service, state="rolling")
    assert "a deployment is under way" in root.post("/services/web/delete", follow=True).content.decode()
    assert Service.objects.filter(pk=service.pk).exists()


def test_a_new_key_is_shown_once() -> None:
    """On the page that follows, and not on the next."""
    scene.make_service(kind="call", settings=CALL)
    root = scene.superuser()
    assert "shown this once: whsec_" in root.post("/services/web/key", follow=True).content.decode()
    assert "whsec_" not in scene.read(root, "/services/web")


def test_a_service_is_deleted() -> None:
    """With its rules and its history."""
    scene.make_deployment(scene.make_service(), runs=True)
    answer = scene.superuser().post("/services/web/delete", follow=True)
    assert answer.redirect_chain == [("/services", 302)]
    assert "web is forgotten" in answer.content.decode()
    assert not Service.objects.exists()
    assert not Deployment.objects.exists()


def test_what_runs_is_deployed_again_or_rolled_back_from_here() -> None:
    """By whoever may deploy."""
    service = scene.make_service()
    scene.make_deployment(service, digest=OTHER, tag="v1")
    deployment = scene.make_deployment(service, runs=True)
    scene.make_deployment(service, state="failed")
    page = scene.read(scene.staff("change_deployment"), "/services/web")
    assert f'action="/deployments/{deployment.pk}/retry"' in page
    assert f'action="/deployments/{deployment.pk}/rollback"' in page
    assert ">Roll back to v1<" in page


def test_a_service_that_never_ran_can_be_tried_again() -> None:
    """With the last image that was tried."""
    service = scene.make_service()
    failed = scene.make_deployment(service, state="failed")
    scene.make_deployment(service, state="waiting")
    page = scene.read(scene.superuser(), "/services/web")
    assert f'action="/deployments/{failed.pk}/retry"' in page
    assert "/rollback" not in page


def test_what_comes_from_outside_is_text() -> None:
    """Names of repositories, users, variables."""
    service = scene.make_service(repository=scene.NASTY, settings={"labels": {scene.NASTY: scene.NASTY}})
    Rule.objects.update(actor=scene.NASTY, tag_pattern=scene.NASTY)
    scene.log(scene.NASTY, tag=scene.NASTY, actor=scene.NASTY, media_type=MANIFEST)
    assert service.rules.exists()
    root = scene.superuser()
    for path in ("/services", "/services/web", "/services/web/change"):
        assert scene.NASTY not in scene.read(root, path)


@pytest.mark.parametrize("path", ["/services", "/services/web"])
def test_a_page_costs_few_queries_however_much_there_is(path: str) -> None:
    """The same for two services and for twenty, each with rules, pushes and deployments."""
    scene.log("shop/web", tag="v1", media_type=MANIFEST)
    root = scene.superuser()

    def add(name: str, count: int) -> None:
        service = scene.make_service(name)
        for _ in range(count):
            scene.make_deployment(service, digest=OTHER)
            scene.add_steps(scene.make_deployment(service, runs=True), {"name": "verify"})

    add("web", 1)
    add("api", 1)
    with CaptureQueriesContext(connection) as few:
        scene.read(root, path)
    scene.log("shop/web", tag="v1", media_type=MANIFEST, count=60)
    web = Service.objects.get(name="web")
    for number in range(20):
        add(f"service-{number}", 3)
        Rule.objects.create(service=web, repository=f"shop/{number}")
        scene.make_deployment(web)
    with CaptureQueriesContext(connection) as many:
        scene.read(root, path)
    assert len(few) == len(many) <= scene.MOST_QUERIES

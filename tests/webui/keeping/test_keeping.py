"""The pages about keeping: what is said, what it would do, and how it is changed."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registryhub.registry.keeping import immutability
from registryhub.registry.keeping.models import ImmutableRule, Quota, RetentionRule, RetentionRun
from tests.registry.keeping import forget, immutable, push_old, retention, tags_of
from tests.registry.stage import link_blob
from tests.webui.operations import scene

pytestmark = pytest.mark.django_db(transaction=True)

RULE = {"name": "nightlies", "repositories": "team/*", "tags": "nightly-.*", "is_enabled": "on"}


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nor is a worker woken: there is none."""
    monkeypatch.setattr("webui.keeping.overview.wake", lambda task: None)
    forget()
    yield
    forget()


def keeper() -> Client:
    """Of the staff, and may change rules and quotas."""
    models = ("retentionrule", "immutablerule", "quota")
    return scene.staff(
        "add_retentionrun", *(f"{act}_{model}" for act in ("add", "change", "delete") for model in models)
    )


def post(client: Client, path: str, data: dict[str, str], status: int = 302) -> str:
    answer = client.post(path, data)
    assert answer.status_code == status, answer.content.decode()
    return answer.content.decode()


@pytest.mark.parametrize("path", ["/keeping", "/keeping/verdicts", "/keeping/effect", "/keeping/rules/new"])
def test_the_pages_are_for_staff(path: str) -> None:
    """And changing for those who may."""
    assert scene.visitor().get(path).status_code == 302
    assert scene.member().get(path).status_code == 403
    looker = scene.staff()
    assert looker.get(path).status_code == (403 if path.endswith("new") else 200)
    assert "New rule" not in scene.read(looker, "/keeping")
    assert looker.post("/keeping/run").status_code == 403


def test_the_overview_shows_what_is_kept_and_why() -> None:
    """Rules in words, quotas with how full they are, runs with what came of them; in few queries."""
    for number in range(20):
        retention(name=f"rule {number}", repositories="team/*", keep_newest=10, used_within_seconds=30 * 86_400)
        immutable(name=f"releases {number}", tags="v.*", except_tags="v0.*")
        Quota.objects.create(namespace=f"team{number}", limit_bytes=1000, used_bytes=940)
        RetentionRun.objects.create(slot=str(number), state="failed", waits_for="it did not answer")
    client = keeper()
    with CaptureQueriesContext(connection) as asked:
        page = scene.read(client, "/keeping")
    for shown in ("the newest 10, used within 30 days", "releases 3", "v0.*", "94 %", "it did not answer", "Apply now"):
        assert shown in page
    assert len(asked) <= scene.MOST_QUERIES


def test_without_rules_the_page_says_what_they_are() -> None:
    """And nothing can be applied."""
    page = scene.read(keeper(), "/keeping")
    for shown in ("No rule: all tags stay", "Every tag may move", "No namespace has a quota", "None yet"):
        assert shown in page
    assert "Apply now" not in page


def test_a_rule_is_tried_and_saved() -> None:
    """Trying shows each tag that would go, and saves nothing."""
    for age in (1, 2, 3):
        push_old("team/app", f"nightly-{age}", days=age)
    client = keeper()
    tried = post(client, "/keeping/rules/new", {**RULE, "keep_newest": "1", "try": "1"}, 200)
    assert "With this rule 2 of 3 tags would go" in tried
    assert "number 3, the newest 1 are kept" in tried
    assert not RetentionRule.objects.exists()
    post(client, "/keeping/rules/new", {**RULE, "pushed_within_seconds": "2w"})
    rule = RetentionRule.objects.get()
    assert (rule.name, rule.keep_newest, rule.pushed_within_seconds) == ("nightlies", None, 14 * 86_400)
    assert 'value="14d"' in scene.read(client, f"/keeping/rules/{rule.pk}")
    assert "Now they would delete none of 3 tags" in scene.read(client, "/keeping/effect")


def test_a_changed_rule_is_tried_instead_of_itself() -> None:
    """Also under another name."""
    rule = retention(name="before", keep_newest=3)
    for age in (1, 2, 3):
        push_old("team/app", f"nightly-{age}", days=age)
    fields = {**RULE, "keep_newest": "1", "try": "1"}
    assert "2 of 3 tags would go" in post(keeper(), f"/keeping/rules/{rule.pk}", fields, 200)
    rule.refresh_from_db()
    assert rule.name == "before"


@pytest.mark.parametrize(
    ("path", "fields", "problem"),
    [
        ("rules", RULE, "The rule would keep nothing"),
        ("rules", {**RULE, "keep_newest": "1", "tags": "(?=x)"}, "invalid perl operator: (?="),
        ("rules", {**RULE, "used_within_seconds": "a while"}, "Write a whole number of weeks"),
        ("immutable", {**RULE, "repositories": "team:*"}, "No repository has"),
        ("quotas", {"namespace": "team", "limit_bytes": "much"}, "is no size"),
        ("quotas", {"namespace": "TEAM", "limit_bytes": "1GB"}, "is no namespace"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(path: str, fields: dict[str, str], problem: str) -> None:
    """Nothing is saved."""
    assert problem in post(keeper(), f"/keeping/{path}/new", fields, 422)
    assert not RetentionRule.objects.exists()
    assert not Quota.objects.exists()


def test_verdicts_are_paged_and_chosen() -> None:
    """What would go first; each with its rule."""
    retention(keep_newest=1)
    for age in range(1, 54):
        push_old("team/app", f"t{age}", days=age)
    client = scene.staff()
    page = scene.read(client, "/keeping/verdicts")
    assert "number 2, the newest 1 are kept" in page
    assert 'rel="next"' in page
    assert "number 1 of the newest 1" in scene.read(client, "/keeping/verdicts", verdict="keep")
    assert scene.read(client, "/keeping/verdicts", verdict="nonsense", cursor="nonsense")
    assert len(tags_of("team/app")) == 53


def test_rules_are_applied_by_a_button() -> None:
    """A worker does it; the page says who asked."""
    retention(keep_newest=1)
    client = keeper()
    assert client.post("/keeping/run").status_code == 302
    assert RetentionRun.objects.get().requested_by == "ada"
    assert "waiting" in scene.read(client, "/keeping")


def test_immutable_tags_are_defined_shown_and_removed() -> None:
    """A repository's tags say that they never move."""
    push_old("team/app", "v1", days=1)
    push_old("team/app", "latest", days=1)
    client = keeper()
    post(client, "/keeping/immutable/new", {**RULE, "tags": "v.*"})
    page = scene.read(client, "/repositories/team/app")
    assert page.count(">immutable<") == 1
    assert immutability.find_rule("team/app", "v1") is not None
    post(client, f"/keeping/immutable/{ImmutableRule.objects.get().pk}/delete", {})
    assert immutability.find_rule("team/app", "v1") is None


def test_a_quota_is_written_as_people_say_sizes() -> None:
    """It knows at once what is there."""
    link_blob("team/app", bytes(500))
    client = keeper()
    post(client, "/keeping/quotas/new", {"namespace": "team", "limit_bytes": "1KiB"})
    quota = Quota.objects.get()
    assert (quota.limit_bytes, quota.used_bytes) == (1024, 500)
    assert 'value="1KiB"' in scene.read(client, f"/keeping/quotas/{quota.pk}")
    assert "48 %" in scene.read(client, "/keeping")


def test_there_are_three_kinds_of_things_to_define() -> None:
    """Others are not there."""
    assert keeper().get("/keeping/nonsense/new").status_code == 404

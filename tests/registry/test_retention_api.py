"""REST and the command: rules, what they would do, runs, immutable tags, quotas."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from registryhub.registry.keeping import immutability, quotas, runs, tasks
from registryhub.registry.keeping.models import ImmutableRule, Quota, RetentionRule, RetentionRun
from tests.registry.keeping import DAY, nothing_remembered, push_old, retention, tags_of
from tests.registry.stage import link_blob
from tests.rest import Rest, staff, visitor

__all__ = ["nothing_remembered"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_remembered")]

RULE = {"name": "nightlies", "repositories": "team/*", "tags": "nightly-.*", "keep_newest": 2}


@pytest.fixture
def keeper() -> Rest:
    """Of the staff, and may change rules and quotas."""
    user = User.objects.create_user("ada", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="keeping"))
    return Rest(user)


@pytest.fixture(autouse=True)
def nobody_is_woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """There is no worker."""
    woken: list[str] = []
    monkeypatch.setattr("registryhub.registry.keeping.api.wake", lambda task: woken.append(task))
    return woken


def test_rules_are_made_changed_and_removed(keeper: Rest) -> None:
    """With and without the slash."""
    made = keeper.ask("POST", "retention-rules", RULE)
    assert made.status == 201
    pk = made.document["id"]
    assert keeper.get("retention-rules/").document["results"][0]["name"] == "nightlies"
    changed = keeper.ask("PATCH", f"retention-rules/{pk}/", {"keep_newest": None, "pushed_within_seconds": DAY})
    assert (changed.status, changed.document["pushed_within_seconds"]) == (200, DAY)
    assert keeper.ask("DELETE", f"retention-rules/{pk}").status == 204
    assert not RetentionRule.objects.exists()


@pytest.mark.parametrize(
    ("path", "body", "field", "mend"),
    [
        ("retention-rules", {**RULE, "tags": "(?=x)"}, "tags", "invalid perl operator: (?="),
        ("retention-rules", {**RULE, "repositories": "team:*"}, "repositories", "team/**"),
        ("retention-rules", {**RULE, "keep_newest": 0}, "keep_newest", "greater than or equal to 1"),
        ("retention-rules", {**RULE, "keep_newest": None}, "non_field_errors", "how many of the newest"),
        ("immutable-rules", {"name": "v", "tags": "v.*", "except_tags": "["}, "except_tags", "missing"),
        ("quotas", {"namespace": "Team//", "limit_bytes": 1}, "namespace", "lower-case letters"),
        ("quotas", {"namespace": "team", "limit_bytes": -1}, "limit_bytes", "greater than or equal to 0"),
    ],
)
def test_what_is_wrong_is_said_with_the_mend(keeper: Rest, path: str, body: Any, field: str, mend: str) -> None:
    """Beside the field it is about."""
    reply = keeper.ask("POST", path, body)
    assert reply.status == 400
    assert mend in " ".join(reply.document[field])


def test_a_change_that_leaves_nothing_kept_is_refused(keeper: Rest) -> None:
    """A PATCH is judged with what it leaves out."""
    rule = retention(keep_newest=2)
    reply = keeper.ask("PATCH", f"retention-rules/{rule.pk}", {"keep_newest": None})
    assert reply.status == 400
    assert keeper.ask("PATCH", f"retention-rules/{rule.pk}", {"is_enabled": False}).status == 200


@pytest.mark.parametrize(
    "path", ["retention-rules", "retention-rules/preview", "retention-runs", "immutable-rules", "quotas"]
)
def test_staff_may_look_and_others_may_not(path: str) -> None:
    """To change takes the permission as well."""
    assert visitor().get(path).status == 401
    looker = staff()
    assert looker.get(path).status == 200
    if path != "retention-rules/preview":
        assert looker.ask("POST", path, RULE).status == 403


def test_verdicts_are_listed_a_page_at_a_time(keeper: Rest) -> None:
    """Of the saved rules; nothing is deleted."""
    retention(keep_newest=1)
    for age in (1, 2, 3):
        push_old("team/app", f"t{age}", days=age)
    found = keeper.all("retention-rules/preview?limit=1")
    assert [(each["tag"], each["verdict"]) for each in found] == [("t1", "keep"), ("t2", "delete"), ("t3", "delete")]
    assert found[1]["rule"] == "nightlies"
    assert found[1]["reason"] == "number 2, the newest 1 are kept"
    assert len(keeper.all("retention-rules/preview?verdict=delete")) == 2
    assert tags_of("team/app") == {"t1", "t2", "t3"}


def test_a_cursor_ends_with_the_rules_it_was_made_for(keeper: Rest) -> None:
    """Counts of other rules mean nothing."""
    rule = retention(keep_newest=1)
    for age in (1, 2):
        push_old("team/app", f"t{age}", days=age)
    link = keeper.get("retention-rules/preview?limit=1").document["next"]
    RetentionRule.objects.filter(pk=rule.pk).update(keep_newest=2)
    assert keeper.get(link).status == 400
    assert keeper.get("retention-rules/preview?cursor=nonsense").status == 400


def test_a_rule_is_tried_before_it_is_saved(keeper: Rest) -> None:
    """With the others; it stands for the one of its name."""
    retention(name="team", repositories="team/*", keep_newest=3)
    for age in (1, 2, 3):
        push_old("team/app", f"t{age}", days=age)
    tried = keeper.ask("POST", "retention-rules/preview?verdict=delete", {"name": "team", "keep_newest": 1})
    assert [each["tag"] for each in tried.document["results"]] == ["t2", "t3"]
    another = keeper.ask("POST", "retention-rules/preview?verdict=delete", {"keep_newest": 1})
    assert another.document["results"] == []
    assert keeper.ask("POST", "retention-rules/preview", {"tags": "["}).status == 400
    assert RetentionRule.objects.get().keep_newest == 3


@pytest.mark.parametrize("path", ["retention-rules", "immutable-rules", "quotas"])
def test_a_field_that_is_misspelt_is_no_rule_for_everything(keeper: Rest, path: str) -> None:
    """Its default would be all repositories: it is refused, with what there is."""
    body = {"name": "releases", "namespace": "team", "repository": "team/*", "keep_newest": 1, "limit_bytes": 1}
    answer = keeper.ask("POST", path, body)
    assert answer.status == 400
    assert "is unknown here; known are" in str(answer.document)
    assert keeper.all(path) == []


def test_a_run_is_asked_for(keeper: Rest, nobody_is_woken: list[str]) -> None:
    """The worker is woken, and its row says who asked and what came of it."""
    retention(keep_newest=1)
    for age in (1, 2):
        push_old("team/app", f"t{age}", days=age)
    asked = keeper.ask("POST", "retention-runs")
    assert (asked.status, asked.document["state"], asked.document["requested_by"]) == (202, "waiting", "ada")
    assert nobody_is_woken == [tasks.apply_retention.name]
    runs.work_off(lambda: False)
    (run,) = keeper.all("retention-runs")
    assert (run["state"], run["looked_at"], run["deleted"]) == ("done", 2, 1)


def test_an_immutable_rule_is_in_force_at_once(keeper: Rest) -> None:
    """In the process that took it; and gone at once when it is removed."""
    made = keeper.ask("POST", "immutable-rules", {"name": "releases", "tags": r"v\d+"})
    assert immutability.find_rule("team/app", "v1") is not None
    pk = made.document["id"]
    keeper.ask("PATCH", f"immutable-rules/{pk}", {"except_tags": "v1"})
    assert immutability.find_rule("team/app", "v1") is None
    assert immutability.find_rule("team/app", "v2") is not None
    keeper.ask("DELETE", f"immutable-rules/{pk}")
    assert immutability.find_rule("team/app", "v2") is None


def test_a_quota_knows_what_is_there_already(keeper: Rest) -> None:
    """And what is there of another namespace when that is changed."""
    link_blob("team/app", bytes(300))
    link_blob("other", bytes(100))
    made = keeper.ask("POST", "quotas", {"namespace": "team", "limit_bytes": 1000})
    assert (made.document["used_bytes"], made.document["percent"]) == (300, 30)
    assert len(quotas.covering("team/app")) == 1
    pk = made.document["id"]
    changed = keeper.ask("PATCH", f"quotas/{pk}", {"namespace": "other", "used_bytes": 5})
    assert changed.document["used_bytes"] == 100
    assert keeper.ask("DELETE", f"quotas/{pk}").status == 204
    assert quotas.covering("other") == []


def test_the_admin_saves_by_the_same_verbs(client: Client) -> None:
    """A rule that would keep nothing is refused there too."""
    client.force_login(User.objects.create_superuser("root"))
    fields = {"name": "all", "repositories": "**", "tags": ".*"}
    refused = client.post(reverse("admin:keeping_retentionrule_add"), fields)
    assert b"The rule would keep nothing" in refused.content
    client.post(reverse("admin:keeping_immutablerule_add"), {**fields, "is_enabled": "on"})
    assert ImmutableRule.objects.get().name == "all"
    assert immutability.find_rule("app", "v1") is not None
    link_blob("team/app", bytes(300))
    client.post(reverse("admin:keeping_quota_add"), {"namespace": "team", "limit_bytes": 1000})
    assert Quota.objects.get().used_bytes == 300
    pages = ("immutablerule", "quota", "retentionrule", "retentionrun")
    assert {client.get(reverse(f"admin:keeping_{page}_changelist")).status_code for page in pages} == {200}
    chosen = {"action": "delete_selected", "_selected_action": ImmutableRule.objects.get().pk, "post": "yes"}
    client.post(reverse("admin:keeping_immutablerule_changelist"), chosen)
    assert immutability.find_rule("app", "v1") is None


def test_the_command_lists_what_it_would_do_and_does_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Each tag with the rule and the reason."""
    retention(keep_newest=1)
    digests = [push_old("team/app", f"t{age}", days=age) for age in (1, 2)]
    call_command("apply_retention", "--dry-run")
    assert capsys.readouterr().out.splitlines() == [
        f"keep team/app:t1 {digests[0]} (nightlies: number 1 of the newest 1)",
        f"delete team/app:t2 {digests[1]} (nightlies: number 2, the newest 1 are kept)",
        "1 of 2 tags would be deleted",
    ]
    assert tags_of("team/app") == {"t1", "t2"}
    call_command("apply_retention")
    assert capsys.readouterr().out.splitlines()[-1] == "1 of 2 tags were deleted"
    assert tags_of("team/app") == {"t1"}
    assert RetentionRun.objects.get().requested_by == "apply_retention"


def test_the_command_says_why_it_cannot_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves with a status that a script sees."""
    retention(used_within_seconds=DAY)
    monkeypatch.setattr(runs, "why_not_counted", lambda: "pulls are counted 900 s late")
    with pytest.raises(SystemExit, match="retention waits: pulls are counted 900 s late"):
        call_command("apply_retention")

"""Rules of retention: what each keeps, and what a run deletes."""

from collections.abc import Callable, Collection, Iterator
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.log.models import Intake
from registryhub.database import leases
from registryhub.registry import manifests, tags
from registryhub.registry.keeping import runs
from registryhub.registry.keeping.models import RetentionRule, RetentionRun
from registryhub.registry.keeping.preview import measure_effect, preview
from registryhub.registry.keeping.verdicts import Verdict, load_rules
from registryhub.registry.models import Manifest, Tag
from tests.registry.keeping import DAY, immutable, nothing_remembered, push_old, retention, seen, tags_of
from tests.registry.stage import CONTEXT, image_bytes, put, stored_events

__all__ = ["nothing_remembered"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nothing_remembered")]


def verdicts() -> dict[str, Verdict]:
    """By `repository:tag`."""
    page = preview(load_rules(), is_kept=None, cursor="", limit=1000)
    assert page.cursor is None
    return {f"{each.repository}:{each.tag}": each for each in page.verdicts}


def kept() -> set[str]:
    return {name for name, verdict in verdicts().items() if verdict.is_kept}


def apply(meanwhile: Callable[[], object] = bool) -> RetentionRun:
    """A run that somebody asks for, to its end; `meanwhile` happens once its first tags are judged."""
    run = runs.request_run("ada")
    acts = iter([meanwhile])
    runs.work_off(lambda: bool(next(acts, never)() and False))
    run.refresh_from_db()
    return run


def never() -> bool:
    return False


def test_the_newest_of_the_tags_that_a_rule_looks_at_are_kept() -> None:
    """In each repository for itself, and by the last push."""
    retention(repositories="team/*", tags="nightly-.*", keep_newest=2)
    for repository in ("team/app", "team/web"):
        for age in (1, 2, 3):
            push_old(repository, f"nightly-{age}", days=age)
    push_old("team/app", "v1", days=99)
    push_old("other/app", "nightly-1", days=99)
    found = verdicts()
    assert found.keys() == {f"team/{name}:nightly-{age}" for name in ("app", "web") for age in (1, 2, 3)} | {
        "team/app:v1"
    }
    assert [name for name, verdict in found.items() if not verdict.is_kept] == [
        "team/app:nightly-3",
        "team/web:nightly-3",
    ]
    gone = found["team/app:nightly-3"]
    assert (gone.rule, gone.reason) == ("nightlies", "number 3, the newest 2 are kept")
    assert found["team/app:nightly-2"].reason == "number 2 of the newest 2"
    assert (found["team/app:v1"].rule, found["team/app:v1"].reason) == ("", "no rule looks at it")


def test_what_was_pushed_of_late_is_kept() -> None:
    """The age is that of the last push."""
    retention(pushed_within_seconds=7 * DAY)
    push_old("app", "new", days=6)
    push_old("app", "old", days=8)
    assert kept() == {"app:new"}
    assert verdicts()["app:old"].reason == "pushed 8 days ago, not within 7 days"


def test_a_time_as_long_as_can_be_written_keeps_everything() -> None:
    """However old it is."""
    retention(pushed_within_seconds=2**63 - 1)
    push_old("app", "old", days=8000)
    assert kept() == {"app:old"}


def test_what_was_used_of_late_is_kept() -> None:
    """A HEAD and a push are uses too: what was just pushed has not been pulled yet."""
    retention(used_within_seconds=7 * DAY)
    for tag, pushed, asked in (("seen", 30, 6), ("stale", 30, 8), ("never", 30, None), ("new", 1, None)):
        push_old("app", tag, days=pushed)
        if asked is not None:
            seen("app", tag, days=asked)
    assert kept() == {"app:seen", "app:new"}
    assert verdicts()["app:stale"].reason == "used 8 days ago, not within 7 days"


def test_one_rule_that_keeps_a_tag_is_enough() -> None:
    """However many others look at it and do not."""
    retention(keep_newest=1)
    retention(name="releases", tags=r"v\d+", keeps_all=True)
    push_old("app", "latest", days=1)
    push_old("app", "v1", days=100)
    push_old("app", "old", days=200)
    assert kept() == {"app:latest", "app:v1"}
    assert verdicts()["app:v1"].rule == "releases"


def test_a_disabled_rule_says_nothing() -> None:
    """Neither looks at tags nor keeps any."""
    retention(pushed_within_seconds=DAY, is_enabled=False)
    push_old("app", "old", days=100)
    assert verdicts() == {}


def test_immutable_tags_and_what_a_service_runs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason in words."""
    retention(pushed_within_seconds=DAY)
    immutable(tags="v.*")
    push_old("app", "v1", days=10)
    running = push_old("app", "stable", days=10)
    push_old("app", "old", days=10)
    monkeypatch.setattr("registryhub.registry.keeping.walk.in_use", lambda name, digests: {running: "web runs it"})
    found = verdicts()
    assert {name: each.reason for name, each in found.items() if each.is_kept} == {
        "app:v1": "the tag is immutable",
        "app:stable": "web runs it",
    }
    assert found["app:v1"].rule == "releases"


def test_a_run_deletes_the_tags_alone_and_says_so() -> None:
    """Manifests stay, with their grace period from now on; each tag has its event."""
    retention(keep_newest=1)
    old = push_old("app", "old", days=10)
    push_old("app", "new", days=1)
    run = apply()
    assert (run.state, run.looked_at, run.deleted, run.requested_by) == ("done", 2, 1, "ada")
    assert tags_of("app") == {"new"}
    assert manifests.find("app", digest=old).digest == old
    assert timezone.now() - Manifest.objects.get(digest=old).touched_at < timedelta(minutes=1)
    event = stored_events()[-1]
    assert (event.action, event.repository, event.tag) == ("delete", "app", "old")
    assert event.actor == event.user_agent == "registryhub-retention"


def test_a_preview_deletes_nothing() -> None:
    """Nor does measuring."""
    retention(keep_newest=1)
    push_old("app", "old", days=10)
    push_old("app", "new", days=1)
    before = len(stored_events())
    effect = measure_effect(load_rules())
    assert (effect.looked_at, effect.deleted, effect.is_all) == (2, 1, True)
    assert tags_of("app") == {"old", "new"}
    assert len(stored_events()) == before


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_of_a_preview_go_on_with_the_count(limit: int) -> None:
    """A tag's place among the newest is known on every page, also of tags that were pushed in the same moment."""
    retention(keep_newest=3)
    for repository in ("a", "b"):
        for number in range(5):
            push_old(repository, f"t{number}", days=1)
    moment = timezone.now() - timedelta(days=1)
    Tag.objects.update(moved_at=moment)
    found: list[Verdict] = []
    cursor: str | None = ""
    while cursor is not None:
        page = preview(load_rules(), is_kept=None, cursor=cursor, limit=limit)
        assert len(page.verdicts) <= limit
        found += page.verdicts
        cursor = page.cursor
    assert [(each.repository, each.tag) for each in found] == [
        (repository, f"t{number}") for repository in ("a", "b") for number in (4, 3, 2, 1, 0)
    ]
    assert [each.is_kept for each in found] == [True, True, True, False, False] * 2
    going = preview(load_rules(), is_kept=False, cursor="", limit=10)
    assert {each.tag for each in going.verdicts} == {"t0", "t1"}


def test_what_was_pushed_again_meanwhile_stays() -> None:
    """A tag is judged once more on the transaction that deletes it."""
    retention(pushed_within_seconds=DAY)
    push_old("app", "old", days=10)
    push_old("app", "older", days=20)
    run = apply(lambda: put("app", image_bytes("app", "again"), tag="old"))
    assert (run.state, run.deleted) == ("done", 1)
    assert tags_of("app") == {"old"}


def test_what_was_used_meanwhile_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for a pull that was counted in between, a service that took the image, and a rule that froze the tag."""
    retention(used_within_seconds=DAY)
    digests = {tag: push_old("app", tag, days=10) for tag in ("pulled", "taken", "frozen", "old")}
    used: dict[str, str] = {}

    def ask(repository: str, wanted: Collection[str]) -> dict[str, str]:
        return {digest: used[digest] for digest in wanted if digest in used}

    def use() -> None:
        seen("app", "pulled", days=0)
        used[digests["taken"]] = "service web runs it"
        immutable(tags="frozen")

    monkeypatch.setattr("registryhub.registry.keeping.walk.in_use", ask)
    apply(use)
    assert tags_of("app") == {"pulled", "taken", "frozen"}


def test_rules_that_change_meanwhile_are_heeded() -> None:
    """The repository is begun again by the new ones."""
    rule = retention(keep_newest=1)
    for age in (1, 2, 3):
        push_old("app", f"t{age}", days=age)
    run = apply(lambda: RetentionRule.objects.filter(pk=rule.pk).update(keep_newest=2))
    assert (run.state, run.deleted) == ("done", 1)
    assert tags_of("app") == {"t1", "t2"}


def test_when_newer_tags_go_meanwhile_others_move_up() -> None:
    """There are never fewer left than the rule keeps."""
    retention(keep_newest=2)
    for age in (1, 2, 3, 4):
        push_old("app", f"t{age}", days=age)
    apply(lambda: tags.delete(CONTEXT, "app", "t1"))
    assert tags_of("app") == {"t2", "t3"}


def test_a_run_that_was_stopped_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the repository where it stood; counts go on, and nothing is deleted twice."""
    monkeypatch.setattr(runs, "TAGS_AT_ONCE", 2)
    retention(keep_newest=1)
    for repository in ("a", "b", "c"):
        for age in (1, 2, 3):
            push_old(repository, f"t{age}", days=age)
    run = runs.request_run("ada")
    answers = iter([False, False, False, True])
    runs.work_off(lambda: next(answers))
    run.refresh_from_db()
    assert (run.state, run.repository, run.deleted, run.finished_at) == ("running", "b", 3, None)
    runs.work_off(never)
    run.refresh_from_db()
    assert (run.state, run.deleted) == ("done", 6)
    assert [tags_of(name) for name in ("a", "b", "c")] == [{"t1"}] * 3
    assert sum(event.action == "delete" for event in stored_events()) == 6


def test_a_worker_that_lost_its_lease_changes_nothing() -> None:
    """Another has taken over: it finds all that was to be done."""
    retention(keep_newest=1)
    push_old("app", "new", days=1)
    push_old("app", "old", days=2)
    run = apply(lambda: RetentionRun.objects.update(epoch=99))
    assert (run.state, run.finished_at, run.deleted) == ("running", None, 0)
    assert tags_of("app") == {"new", "old"}


def test_a_run_that_another_worker_holds_is_left_alone() -> None:
    """Both come, one works."""
    retention(keep_newest=1)
    push_old("app", "new", days=1)
    push_old("app", "old", days=2)
    run = runs.request_run("ada")
    leases.take(leases.Place("keeping_retentionrun", "id", run.pk), "somebody else", 60)
    runs.work_off(never)
    assert tags_of("app") == {"new", "old"}


def test_the_clock_begins_one_run_an_interval() -> None:
    """However often it is asked, by however many."""
    for _ in range(3):
        runs.schedule_run(86_400)
    assert RetentionRun.objects.count() == 1
    runs.work_off(never)
    runs.schedule_run(86_400)
    assert [run.state for run in RetentionRun.objects.all()] == ["done"]


def test_without_counts_nothing_goes_by_its_use() -> None:
    """A relay that stands still would make everything look unused; the run says what it waits for."""
    retention(used_within_seconds=DAY)
    push_old("app", "old", days=10)
    Intake.objects.update(received_at=timezone.now() - timedelta(hours=1))
    run = apply()
    assert (run.state, run.finished_at) == ("waiting", None)
    assert "counted 3600 s late" in run.waits_for or "counted 3601 s late" in run.waits_for
    assert tags_of("app") == {"old"}
    Intake.objects.all().delete()
    runs.work_off(never)
    run.refresh_from_db()
    assert (run.state, run.waits_for) == ("done", "")
    assert tags_of("app") == set()


def test_a_run_that_fails_says_where_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be asked about is not deleted."""
    retention(pushed_within_seconds=DAY)
    push_old("app", "old", days=10)

    def broken(repository: str, digests: Collection[str]) -> dict[str, str]:
        raise RuntimeError("the deployer does not answer")

    monkeypatch.setattr("registryhub.registry.keeping.walk.in_use", broken)
    run = apply()
    assert run.state == "failed"
    assert "the deployer does not answer" in run.waits_for
    assert tags_of("app") == {"old"}


def test_rows_of_old_runs_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many stay."""
    monkeypatch.setattr(runs, "KEPT_RUNS", 2)
    for _ in range(4):
        last = apply()
    assert RetentionRun.objects.count() == 2
    assert RetentionRun.objects.filter(pk=last.pk).exists()


@pytest.fixture
def planned() -> Iterator[None]:
    """On PostgreSQL small tables would be read whole."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = off")
    yield
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET enable_seqscan = on")


@pytest.mark.usefixtures("planned")
def test_a_page_of_tags_is_read_by_its_index() -> None:
    """Without sorting a repository's million tags: what PostgreSQL would do with the one of this test is no matter."""
    retention(keep_newest=1)
    push_old("app", "a", days=1)
    with CaptureQueriesContext(connection) as asked:
        verdicts()
    (sql,) = {
        query["sql"]
        for query in asked
        if "analytics_tagtotals" in query["sql"] and "moved_at, tag.name) <" in query["sql"]
    }
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(("EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN ") + sql)
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert "tag_repository_moved" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan

"""What a team keeps: rules of retention with their last runs, releases that never move, quotas of which one is full."""

from datetime import datetime, timedelta

from registryhub.registry.keeping.models import ImmutableRule, Quota, RetentionRule, RetentionRun
from registryhub.registry.keeping.quotas import held_by

_DAY = 86_400
_RUNS = ((2, 31, 4, "done", ""), (26, 34, 0, "done", "ada"), (50, 12, 0, "failed", ""))


def fill_keeping(now: datetime) -> None:
    """Of quotas one has room, one is nearly full, one is full."""
    rules = (
        RetentionRule(name="everything", keep_newest=2, pushed_within_seconds=5 * _DAY),
        RetentionRule(name="nightlies", tags="nightly.*|canary|edge", pushed_within_seconds=14 * _DAY),
        RetentionRule(name="long term", repositories="platform/**", tags=".*-lts", keeps_all=True),
        RetentionRule(name="old drafts", tags="pr-.*", pushed_within_seconds=7 * _DAY, is_enabled=False),
    )
    RetentionRule.objects.bulk_create(rules)
    ImmutableRule.objects.create(name="releases", tags=r"v?\d+\.\d+.*", except_tags=".*-lts")
    for namespace, share in (("platform", 40), ("ml", 94), ("data", 100)):
        used = held_by(namespace)
        Quota.objects.create(namespace=namespace, used_bytes=used, limit_bytes=used * 100 // share)
    for hours, looked_at, deleted, state, requested_by in reversed(_RUNS):
        begun = now - timedelta(hours=hours)
        reason = "data/ingest: the deployer did not answer" if state == "failed" else ""
        RetentionRun.objects.create(
            slot=begun.isoformat(),
            requested_by=requested_by,
            state=state,
            waits_for=reason,
            looked_at=looked_at,
            deleted=deleted,
            started_at=begun,
            finished_at=begun + timedelta(seconds=3),
        )

"""`python -m tests.notifications.analytics.before_rules`: numbers as an older hub has counted them.

`write` makes them, in tables of that time; `read` prints what became of them. `count` counts as hubs do now; `forget`
takes away the row of an hour in which only a layer was mounted, which they left out once; `mounts` prints how many are
found.
"""

import json
import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registryhub.settings")
django.setup()

from datetime import timedelta  # noqa: E402

from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from notifications.analytics.models import RepositoryDay, RepositoryTotals, SourceDay, SourceHour  # noqa: E402
from notifications.analytics.scope import Scope  # noqa: E402
from notifications.analytics.series import Question, read_groups  # noqa: E402
from notifications.analytics.spans import Span  # noqa: E402
from notifications.analytics.windows import read_frame  # noqa: E402
from registryhub.access.models import HUB_SOURCE_ID  # noqa: E402
from registryhub.access.repositories import ensure_repository  # noqa: E402
from tests.notifications.analytics.logged import NOON, counted, logged  # noqa: E402

MOUNTED = NOON.replace(minute=0, second=0, microsecond=0)
AGO = (0, 3, 20, 60, 200)
"""Days; on each one pull and two pushes."""


def write() -> None:
    repository = ensure_repository(HUB_SOURCE_ID, "app/web")
    adapt = connection.ops.adapt_datetimefield_value
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    numbers = "INSERT INTO analytics_repository{} (repository_id, {} pulls, checks, pushes) VALUES (%s, {} %s, 0, %s)"
    with connection.cursor() as cursor:
        cursor.execute(numbers.format("totals", "", ""), (repository, len(AGO), 2 * len(AGO)))
        for days in AGO:
            hour = now - timedelta(days=days)
            cursor.execute(numbers.format("hour", "hour,", "%s,"), (repository, adapt(hour), 1, 2))
            cursor.execute(numbers.format("day", "day,", "%s,"), (repository, hour.date().isoformat(), 1, 2))


def read() -> None:
    now = timezone.now()
    counted(logged("pull", occurred_at=now, received_at=now))
    row = RepositoryTotals.objects.get()
    frame = read_frame()
    assert frame is not None
    print(
        json.dumps(
            {
                "windows": [row.pulls_24h, row.pulls_7d, row.pulls_30d, row.pulls_90d, row.pulls],
                "pushes": [row.pushes_24h, row.pushes_7d, row.pushes_30d, row.pushes_90d, row.pushes],
                "source": [
                    sum(SourceHour.objects.values_list("pulls", flat=True)),
                    sum(SourceDay.objects.values_list("pulls", flat=True)),
                ],
                "today": RepositoryDay.objects.order_by("day").values_list("pulls", flat=True).last(),
                "is_today_over": frame.days_over > now,
            }
        )
    )


def count() -> None:
    """Of two users on two days, and a mount in an hour of its own."""
    for hours in (30, 60):
        for actor in ("", "ann"):
            at = NOON - timedelta(hours=hours)
            counted(logged("pull", "a", actor=actor, occurred_at=at), logged("push", "b", actor=actor, occurred_at=at))
    counted(logged("mount", "a", media_type="application/octet-stream", tag=""))


def forget() -> None:
    assert SourceHour.objects.filter(hour=MOUNTED).delete()[0] == SourceDay.objects.filter(pulls=0).delete()[0] == 1


def mounts() -> None:
    span = Span("hour", MOUNTED, MOUNTED + timedelta(hours=1))
    [group] = read_groups(Question(Scope(sees_private=True), span, {"action": "mount"}))
    print(group.total("requests"))


if __name__ == "__main__":
    {"write": write, "read": read, "count": count, "forget": forget, "mounts": mounts}[sys.argv[1]]()

"""The counters are what the set of events says: order and company of their arrival change nothing."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications import facts
from notifications.log.consume import LoggedEvent
from tests.notifications.analytics.logged import NOON, OCI_MANIFEST, counted, logged
from tests.notifications.analytics.tables import read_tables

pytestmark = pytest.mark.django_db

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
BLOB = "application/octet-stream"

IMAGES = [f"sha256:{letter * 64}" for letter in "ab"]
INDEX = f"sha256:{'f' * 64}"
PLATFORMS = [facts.encode(facts.Facts(platforms=(name,))).decode() for name in ("linux/amd64", "linux/arm64")]
CHILDREN = facts.encode(facts.Facts(children=("a" * 12,))).decode()
SIGNATURE = facts.encode(facts.Facts(is_attached=True)).decode()

THINGS: list[dict[str, Any]] = [
    {"digest": INDEX, "media_type": OCI_INDEX},
    {"digest": INDEX, "media_type": OCI_INDEX, "facts": CHILDREN},
    {"digest": IMAGES[0], "media_type": OCI_MANIFEST, "facts": PLATFORMS[0]},
    {"digest": IMAGES[1], "media_type": OCI_MANIFEST, "facts": PLATFORMS[1]},
    {"digest": f"sha256:{'9' * 64}", "media_type": OCI_MANIFEST, "facts": SIGNATURE},
]
USERS = ["docker/27", "docker/27", "Trivy/0.50.0", ""]


@st.composite
def happenings(draw: st.DrawFn) -> LoggedEvent:
    """Requests of few clients for few things, seconds to days apart."""
    what = draw(st.sampled_from(("pull", "pull", "pull", "check", "check", "push", "blob")))
    thing = (
        {"digest": "sha256:" + "b" * 64, "media_type": BLOB, "size": 1000}
        if what == "blob"
        else draw(st.sampled_from(THINGS))
    )
    seconds = draw(st.integers(0, 400)) + draw(st.sampled_from((0, 0, 0, 11 * 3600 + 1500, 40 * 24 * 3600)))
    return logged(
        "pull" if what == "blob" else what,
        draw(st.sampled_from(("app/web", "app/api"))),
        "" if what == "blob" else draw(st.sampled_from(("", "", "v1", "latest"))),
        occurred_at=NOON - timedelta(seconds=seconds, milliseconds=draw(st.integers(0, 999))),
        received_at=NOON + timedelta(minutes=5),
        actor=draw(st.sampled_from(("", "", "ann"))),
        address=draw(st.sampled_from(("10.0.0.1:5000", "10.0.0.1:6000", "10.0.0.2:5000"))),
        user_agent=draw(st.sampled_from(USERS)),
        **thing,
    )


def state(batches: Sequence[Sequence[LoggedEvent]]) -> dict[str, list[tuple[Any, ...]]]:
    """What the tables hold after these batches; nothing of it stays."""
    with transaction.atomic():
        for batch in batches:
            counted(*batch)
        found = read_tables()
        transaction.set_rollback(True)
    return found


@pytest.fixture(autouse=True)
def repositories() -> None:
    """They keep their numbers from one state to the next."""
    counted(logged("delete", "app/web"), logged("push", "app/web"), logged("push", "app/api"))


@settings(max_examples=25, deadline=None)
@given(st.lists(happenings(), min_size=1, max_size=10), st.randoms(use_true_random=False))
def test_any_order_gives_the_same_counters(events: list[LoggedEvent], chance: random.Random) -> None:
    """All in one batch, one by one in another order, or a few at a time: each table holds the same."""
    expected = state([events])
    shuffled = chance.sample(events, len(events))
    assert state([[event] for event in shuffled]) == expected
    cut = chance.randrange(len(events) + 1)
    assert state([shuffled[cut:], shuffled[:cut]]) == expected

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.log.models import Event, Intake, LogHead, QuarantinedEvent
from registryhub.access.models import HUB_SOURCE_ID
from tests.notifications.log.making import intake_pull, sequence_all, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    found = Client()
    found.force_login(User.objects.create_superuser("ada"))
    return found


def page(client: Client, path: str) -> str:
    answer = client.get(f"/admin/log/{path}")
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_every_list_and_every_row_can_be_looked_at(client: Client) -> None:
    """Events, consumers, the head, the intake, the quarantine."""
    intake_pull("a", repository="library/app", user_agent="<script>")
    sequence_all()
    store("waiting")
    bad = QuarantinedEvent.objects.create(
        source_id=HUB_SOURCE_ID, raw=b"\xff<b>", reason="no <i>JSON</i>", received_at=timezone.now()
    )
    assert "library/app" in page(client, "event/")
    assert "<script>" not in page(client, "event/1/change/").replace("<script>\n", "")
    waiting = Intake.objects.get()
    assert str(waiting.pk) in page(client, "intake/")
    assert "waiting" in page(client, f"intake/{waiting.pk}/change/")
    assert "<i>JSON" not in page(client, "quarantinedevent/")
    assert "\\xff&lt;b&gt;" in page(client, f"quarantinedevent/{bad.pk}/change/")
    page(client, "consumer/")
    page(client, f"loghead/{LogHead.objects.get().pk}/change/")


def test_a_repository_is_searched_by_its_whole_name(client: Client) -> None:
    """By the index, with whatever is typed."""
    intake_pull("a", repository="library/app")
    intake_pull("b", repository="library/apple")
    sequence_all()
    assert page(client, "event/?q=library/app").count("library/apple") == 0
    assert page(client, "event/?q=library/app").count("library/app</td>") == 1
    page(client, "event/?q=%25'%00")


def test_the_log_cannot_be_changed(client: Client) -> None:
    """Not even by those who may do everything."""
    store("a")
    sequence_all()
    for path in ("event/add/", "consumer/add/", "loghead/add/", "intake/add/", "quarantinedevent/add/"):
        assert client.get(f"/admin/log/{path}").status_code == 403
    assert client.post("/admin/log/event/1/change/", {"repository": "x"}).status_code == 403
    assert client.post("/admin/log/event/1/delete/", {"post": "yes"}).status_code == 403
    assert Event.objects.get().repository == "library/app"


def test_what_was_quarantined_may_be_thrown_away(client: Client) -> None:
    """Once somebody has looked at it."""
    bad = QuarantinedEvent.objects.create(source_id=HUB_SOURCE_ID, raw=b"?", reason="?", received_at=timezone.now())
    client.post(f"/admin/log/quarantinedevent/{bad.pk}/delete/", {"post": "yes"})
    assert not QuarantinedEvent.objects.exists()


def test_lists_neither_count_a_table_nor_load_raw_bytes(client: Client) -> None:
    """COUNT(*) over millions of rows takes seconds, and raw bytes are megabytes."""
    store("a")
    sequence_all()
    store("b")
    for path in ("event/", "intake/", "quarantinedevent/"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page(client, path)
        for query in queries:
            sql = query["sql"]
            assert "COUNT(*)" not in sql or "LIMIT" in sql, sql
            assert '_intake"."raw"' not in sql

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.db import DataError, IntegrityError, transaction

from notifications.log.models import Intake, SeenEvent
from registryhub.access.models import Source
from registryhub.database import bulk
from registryhub.database.bulk import insert_large, insert_rows, moment_adapter

pytestmark = pytest.mark.django_db

COLUMNS = ("source_id", "event_id", "seen_at")
NOW = datetime(2026, 11, 24, 1, 2, 3, 456789, tzinfo=UTC)


def row(id_: Any, moment: datetime = NOW) -> Sequence[Any]:
    stored = moment_adapter()
    return (1, id_, stored(moment) if stored else moment)


def inserted() -> list[str]:
    return list(SeenEvent.objects.order_by("event_id").values_list("event_id", flat=True))


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 255, 256, 257, 1365, 2000])
def test_any_number_of_rows_is_inserted(count: int) -> None:
    """In blocks of few sizes."""
    insert_rows("log_seenevent", COLUMNS, [row(f"{number:06d}") for number in range(count)])
    assert inserted() == [f"{number:06d}" for number in range(count)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "None",
        "NULL",
        r"\N",
        r"\.",
        "\\",
        "\t",
        "\n",
        "\r\n",
        "a\tb\\n",
        "ä€🐳",
        "%s",
        "?",
        "'",
        '"',
        ";--",
        "\u2028",
        "\x07",
    ],
)
def test_text_stays_as_it_is(text: str) -> None:
    """Whatever it looks like to a database."""
    insert_rows("log_seenevent", COLUMNS, [row("before"), row(text), row("zafter")])
    assert set(inserted()) == {"before", text, "zafter"}


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30))])
@pytest.mark.parametrize("microsecond", [0, 1, 999_999])
def test_times_are_read_back_as_they_were(zone: timezone, microsecond: int) -> None:
    """By Django, in UTC, whatever zone they were given in."""
    moment = NOW.replace(microsecond=microsecond).astimezone(zone)
    insert_rows("log_seenevent", COLUMNS, [row("a", moment)])
    SeenEvent.objects.create(source_id=1, event_id="b", seen_at=moment)
    assert [each.seen_at for each in SeenEvent.objects.all()] == [moment, moment]
    assert SeenEvent.objects.filter(seen_at=moment).count() == 2


def test_none_is_null() -> None:
    """Beside text that says None."""
    columns = ("name", "is_enabled", "is_public", "created_at", "id")
    stored = moment_adapter()
    now = stored(NOW) if stored else NOW
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows("access_source", columns, [(None, True, False, now, 4711)])
    insert_rows("access_source", columns, [("None", True, False, now, 4711)])
    assert Source.objects.get(pk=4711).name == "None"


@pytest.mark.parametrize("bad", ["\ud800", "twice"])
def test_a_row_that_is_refused_takes_all_with_it(bad: str) -> None:
    """With an error that is not the one of a database that is away."""
    SeenEvent.objects.create(source_id=1, event_id="twice")
    with pytest.raises((DataError, IntegrityError, UnicodeEncodeError)), transaction.atomic():
        insert_rows("log_seenevent", COLUMNS, [row("a"), row(bad), row("b")])
    assert inserted() == ["twice"]


@pytest.mark.only_database("sqlite")
def test_statements_are_few_and_short_enough() -> None:
    """SQLite keeps prepared statements, if they are always the same, and bounds the parameters of one."""
    sizes = [len(block) for block in bulk.blocks([()] * 1023, 10)]
    assert sum(sizes) == 1023
    assert set(sizes) == {256, 64, 16, 4, 1}
    assert {len(block) for block in bulk.blocks([()] * 1000, 300)} == {64, 16, 4}


@pytest.mark.parametrize("size", [0, 1, 8192, 3 << 20])
@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-7))])
def test_a_row_with_many_bytes_is_read_back_as_it_was(size: int, zone: timezone) -> None:
    """Every byte, text beyond ASCII, a time to the microsecond."""
    raw = (bytes(range(256)) * (size // 256 + 1))[:size]
    insert_large("log_intake", ("source_id", "kind", "raw", "received_at"), (1, "jöurnal", raw, NOW.astimezone(zone)))
    found = Intake.objects.get()
    assert (found.source_id, found.kind, bytes(found.raw), found.received_at) == (1, "jöurnal", raw, NOW)


def test_a_large_row_that_is_refused_leaves_nothing() -> None:
    """What the database wants is missing."""
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_large("log_intake", ("source_id", "kind", "raw"), (1, "x", b"x"))
    assert not Intake.objects.exists()

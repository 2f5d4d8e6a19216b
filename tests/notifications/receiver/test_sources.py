from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from notifications.log import intake
from notifications.log.models import Event, QuarantinedEvent, SourceTally
from notifications.receiver.sources import SourceRefused, add_source, delete_source, rotate_secret, rotate_token
from registryhub.access.models import HUB_SOURCE_ID, Source, SourceSecret, SourceToken
from registryhub.access.repositories import ensure_repository
from registryhub.access.source_secrets import read_secrets
from registryhub.access.tokens import find_source
from tests.notifications.log.making import lines, sequence_all

pytestmark = pytest.mark.django_db


def create_source(*arguments: str) -> str:
    out = StringIO()
    call_command("create_source", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_token_and_nothing_else() -> None:
    """`TOKEN=$(manage.py create_source edge)` works."""
    printed = create_source("edge", "--public")
    assert printed.count("\n") == 1
    source = find_source(printed.strip())
    assert source is not None
    assert (source.name, source.is_public) == ("edge", True)


def test_a_name_that_is_taken_is_refused_with_the_way_to_rotate() -> None:
    """And its tokens stay as they are."""
    first = create_source("edge").strip()
    with pytest.raises(CommandError, match="create_source edge --rotate"):
        create_source("edge")
    with pytest.raises(SourceRefused, match="already"):
        add_source("edge")
    second = create_source("edge", "--rotate").strip()
    assert find_source(first) is None
    assert find_source(second) == Source.objects.get(name="edge")


def test_what_does_not_exist_cannot_be_rotated() -> None:
    """The known names are told."""
    with pytest.raises(CommandError, match=r"no source 'egde' .known: hub."):
        create_source("egde", "--rotate")


def test_with_a_grace_the_old_token_goes_on_for_a_while() -> None:
    """A registry reads its endpoints at start only. A token that ends sooner anyway still does."""
    source, first = add_source("edge")
    second = rotate_token(source, grace_seconds=3600)
    third = rotate_token(source, grace_seconds=7200)
    assert {find_source(one) for one in (first, second, third)} == {source}
    ends = SourceToken.objects.filter(source=source).order_by("id").values_list("expires_at", flat=True)
    assert ends[0] is not None
    assert ends[0] <= timezone.now() + timedelta(hours=1)
    assert ends[2] is None


@pytest.mark.parametrize("name", ["stream", "a\n", "", " ", "a b", "-a", "a/b", "a\x00", "é", "x" * 101])
def test_odd_names_are_refused(name: str) -> None:
    """They stand in URLs and headings."""
    with pytest.raises(SourceRefused, match="no name for a source"):
        add_source(name)


def test_the_hub_has_no_token() -> None:
    """Nobody posts events in its name."""
    hub = Source.objects.get(pk=HUB_SOURCE_ID)
    for rotate in (rotate_token, rotate_secret):
        with pytest.raises(SourceRefused, match="hub's own events"):
            rotate(hub)


def test_a_source_of_which_nothing_counts_is_deleted_with_all_that_it_has() -> None:
    """Tokens, secrets, and what could not be read."""
    edge, token = add_source("edge")
    rotate_secret(edge)
    intake.store(source_id=edge.pk, kind="distribution", raw=b"?")
    sequence_all()
    delete_source(edge)
    delete_source(edge)
    assert find_source(token) is None
    assert [kind.objects.count() for kind in (SourceSecret, QuarantinedEvent, SourceTally)] == [0, 0, 0]


def test_a_source_whose_events_count_is_not_deleted() -> None:
    """Neither while they come in, nor when they are numbered, nor when they have left the log."""
    edge = add_source("edge")[0]
    intake.store(source_id=edge.pk, kind="journal", raw=lines(["a"]))
    with pytest.raises(SourceRefused, match="coming in, which would be lost; disable it instead"):
        delete_source(edge)
    sequence_all()
    with pytest.raises(SourceRefused, match="events in the log"):
        delete_source(edge)
    Event.objects.all().delete()
    with pytest.raises(SourceRefused, match="events in the log"):
        delete_source(edge)
    assert Source.objects.filter(pk=edge.pk).exists()


def test_a_source_with_repositories_is_not_deleted() -> None:
    """Rules and counters hang on them. Nor is the hub."""
    edge = add_source("edge")[0]
    ensure_repository(edge.pk, "app/web")
    with pytest.raises(SourceRefused, match="edge has repositories"):
        delete_source(edge)
    with pytest.raises(SourceRefused, match="the hub itself"):
        delete_source(Source.objects.get(pk=HUB_SOURCE_ID))


def test_the_command_prints_a_secret_for_who_signs() -> None:
    """Made so, or given one later."""
    first = create_source("forge", "--signs").strip()
    second = create_source("forge", "--rotate", "--signs", "--grace-seconds", "60").strip()
    assert read_secrets(Source.objects.get(name="forge")) == [second, first]

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from notifications.receiver.sources import SourceRefused, add_source, rotate_token
from registryhub.access.models import HUB_SOURCE_ID, Source, SourceToken
from registryhub.access.tokens import find_source

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


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "a/b", "a\x00", "é", "x" * 101])
def test_odd_names_are_refused(name: str) -> None:
    """They stand in URLs and headings."""
    with pytest.raises(SourceRefused, match="no name for a source"):
        add_source(name)


def test_the_hub_has_no_token() -> None:
    """Nobody posts events in its name."""
    with pytest.raises(SourceRefused, match="hub's own events"):
        rotate_token(Source.objects.get(pk=HUB_SOURCE_ID))

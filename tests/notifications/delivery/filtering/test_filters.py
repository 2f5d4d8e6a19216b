"""Which events an endpoint gets: the same answer from the sender and from the database."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.delivery.filtering.filters import BLOB_MEDIA_TYPE, build_filter
from notifications.events import ACTIONS
from notifications.log.consume import read_events
from notifications.log.models import Event
from registryhub.config.hub import Events
from tests.notifications.delivery.stage import MANIFEST, log_events

MEDIA_TYPES = ("", BLOB_MEDIA_TYPE, MANIFEST)


@pytest.fixture
def _one_of_each() -> None:
    """An event of each source, action and media type."""
    for source_id, action, media_type in product((1, 2), sorted(ACTIONS), MEDIA_TYPES):
        log_events(source_id=source_id, action=action, media_type=media_type)


EVENTS = st.builds(Events, blob_pulls=st.booleans(), compat=st.booleans())


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_one_of_each")
def test_the_condition_of_the_query_is_the_test_of_the_event() -> None:
    """For every combination of settings, over one event of each kind."""

    @given(st.sets(st.sampled_from(sorted(ACTIONS))), st.sets(st.sampled_from(MEDIA_TYPES)), EVENTS)
    def compare(actions: set[str], media_types: set[str], events: Events) -> None:
        wanted = build_filter(actions, media_types, events)
        taken = [event.seq for event in read_events(0, 100) if wanted.takes(event)]
        assert taken == list(Event.objects.filter(wanted.condition()).order_by("seq").values_list("seq", flat=True))

    compare()


@pytest.mark.django_db(transaction=True)
def test_whoever_ignores_pulls_ignores_checks_that_are_sent_as_pulls() -> None:
    """The action that goes over the wire counts, and so does the one in the log."""
    log_events(action="check")
    [check] = read_events(0, 1)
    compat = Events.model_validate({"compat": True})
    assert build_filter((), (), compat).takes(check)
    assert not build_filter(("pull",), (), compat).takes(check)
    assert not build_filter(("check",), (), compat).takes(check)
    assert not build_filter((), (), Events()).takes(check)

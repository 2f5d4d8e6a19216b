"""The `filter` of an endpoint: what it takes, and that a query over the log never leaves out what it takes."""

from itertools import product
from typing import Any

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications import facts
from notifications.delivery.filtering.filters import Filter, build_filter
from notifications.delivery.filtering.selection import compile_selection
from notifications.events import ACTIONS
from notifications.facts import Facts
from notifications.log.consume import LoggedEvent, read_events, read_without_raw
from notifications.log.models import Event
from registryhub.config.filters import Filter as Chosen
from registryhub.config.hub import Events
from tests.notifications.delivery.stage import MANIFEST, log_events

IMAGE = {"repository": "team/app", "tag": "v1.4.2", "actor": "ann", "size": 1000}
KNOWN = Facts("moved", "sha256:0", ("linux/arm64/v8", "linux/amd64"))

PATTERNS = st.lists(
    st.sampled_from(("team/app", "team/**", "*", "v1.4.2", "!team/app", "~.*a.*", "ann", "!ann", "v*", MANIFEST)),
    max_size=3,
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "repositories": PATTERNS.map(lambda found: [each for each in found if each != MANIFEST]),
        "tags": PATTERNS.map(lambda found: [each for each in found if "/" not in each]),
        "mediatypes": PATTERNS,
        "actors": PATTERNS,
        "platforms": st.lists(st.sampled_from(("linux/arm64", "windows/*", "!linux/amd64")), max_size=2),
        "versions": st.lists(st.sampled_from(("^1.4", "<1", "*")), max_size=2),
        "tagged": st.lists(st.sampled_from(("new", "moved", "same")), max_size=2),
        "actions": st.lists(st.sampled_from(("push", "pull", "mount", "delete")), max_size=2),
        "minsize": st.sampled_from((0, 500)),
        "maxsize": st.sampled_from((500, 5000)),
    },
).map(Chosen.model_validate)


def choose(**keys: object) -> Filter:
    return build_filter((), (), Events(), chosen=Chosen.model_validate(keys))


def logged(known: Facts = KNOWN, **fields: Any) -> LoggedEvent:
    """The push of an image, as the sender reads it."""
    log_events(**{**IMAGE, "facts": facts.encode(known).decode(), **fields})
    return read_events(Event.objects.latest("seq").seq - 1, 1)[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("keys", "changed"),
    [
        ({"repositories": ["team/**"]}, {"repository": "lib/app"}),
        ({"repositories": ["**", "!team/x"]}, {"repository": "team/x"}),
        ({"repositories": ["~team/(app|web)"]}, {"repository": "team/appx"}),
        ({"tags": ["v*", "!*-dev"]}, {"tag": "v1-dev"}),
        ({"tags": ["**"]}, {"tag": ""}),
        ({"versions": ["^2", "~1.4.1"]}, {"tag": "v1.5.0"}),
        ({"versions": ["*"]}, {"tag": "latest"}),
        ({"actions": ["push"]}, {"action": "delete"}),
        ({"mediatypes": ["application/vnd.oci.*"]}, {"media_type": "application/octet-stream"}),
        ({"actors": ["ann", "ci-*"]}, {"actor": ""}),
        ({"platforms": ["linux/arm64"]}, {"known": Facts(platforms=("linux/amd64",))}),
        ({"platforms": ["linux/arm64/v8"]}, {"known": Facts(platforms=("linux/arm64",))}),
        ({"platforms": ["!windows/*"]}, {"known": Facts(platforms=("linux/amd64", "windows/amd64"))}),
        ({"platforms": ["linux/*"]}, {"known": Facts()}),
        ({"platforms": ["linux/*"]}, {"action": "pull"}),
        ({"tagged": ["new", "moved"]}, {"known": Facts("same")}),
        ({"tagged": ["new", "moved"]}, {"known": Facts()}),
        ({"minsize": "1kB", "maxsize": "1kB"}, {"size": 999}),
        ({"maxsize": 1000}, {"size": 1001}),
    ],
)
def test_each_key_lets_through_what_it_names(keys: dict[str, Any], changed: dict[str, Any]) -> None:
    """And names itself for what it does not."""
    wanted = choose(**keys)
    assert wanted.takes(logged())
    other = logged(**changed)
    assert not wanted.takes(other)
    assert wanted.selection is not None
    assert wanted.selection.refuser(other) in keys


@pytest.mark.django_db(transaction=True)
def test_all_keys_must_hold_and_nothing_written_means_everything() -> None:
    """The first that does not hold is named; an empty filter is none."""
    both = choose(repositories=["team/**"], tagged=["moved"])
    assert both.takes(logged())
    assert not both.takes(logged(repository="lib/app"))
    assert not both.takes(logged(Facts("same")))
    assert compile_selection(Chosen()) is None
    assert choose().takes(logged(Facts()))


@pytest.mark.django_db(transaction=True)
def test_whoever_selects_pulls_gets_checks_that_are_sent_as_pulls() -> None:
    """With `hub.events.compat`."""
    compat, pulls = Events.model_validate({"compat": True}), Chosen.model_validate({"actions": ["pull"]})
    check = logged(action="check")
    assert build_filter((), (), compat, chosen=pulls).takes(check)
    assert not build_filter((), (), Events(), chosen=pulls).takes(check)


@pytest.mark.django_db(transaction=True)
def test_notices_are_selected_by_their_own_key_alone() -> None:
    """They are about no repository."""
    notice, chosen = logged(action="notice", repository="-/webhooks/a"), Chosen.model_validate({"actions": ["push"]})
    wanted = build_filter((), (), Events(), notices_to="b", chosen=chosen)
    assert wanted.takes(notice)
    assert Event.objects.filter(wanted.condition()).exists()
    assert not build_filter((), (), Events(), chosen=chosen).takes(notice)


@pytest.mark.django_db(transaction=True)
def test_the_condition_leaves_nothing_out_and_is_the_filter_where_it_says_so() -> None:
    """For whatever filters, over events of every kind."""
    for source_id, action, repository, tag in product((1, 2), sorted(ACTIONS), ("team/app", "lib"), ("", "v1.4.2")):
        known = facts.encode(KNOWN).decode() if action == "push" else ""
        log_events(source_id=source_id, action=action, repository=repository, tag=tag, facts=known)
        log_events(source_id=source_id, action=action, repository=repository, tag=tag, actor="ann", size=700)
    log_events(media_type="application/octet-stream")
    connection.close()

    @settings(deadline=None)
    @given(FILTERS, st.builds(Events, blob_pulls=st.booleans(), compat=st.booleans()), st.sampled_from(("", "a")))
    def compare(chosen: Chosen, events: Events, notices_to: str) -> None:
        wanted = build_filter(("delete",), (), events, notices_to=notices_to, chosen=chosen)
        taken = {event.seq for event in read_events(0, 1000) if wanted.takes(event)}
        matching = set(Event.objects.filter(wanted.condition()).values_list("seq", flat=True))
        assert taken <= matching
        assert taken == matching or not wanted.is_exact

    compare()


@pytest.mark.django_db(transaction=True)
def test_events_without_their_json_are_tested_alike() -> None:
    """Whoever counts need not read what is sent."""
    log_events(2, **IMAGE, facts=facts.encode(KNOWN).decode())
    plain = [event._replace(raw="") for event in read_events(0, 10)]
    assert read_without_raw(Event.objects.order_by("seq")) == plain

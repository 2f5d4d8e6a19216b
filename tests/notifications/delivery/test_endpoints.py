"""From the configuration to rows and consumers."""

import pytest
from pytest_django import Settings

from notifications.delivery.definitions.pauses import pause_endpoint
from notifications.delivery.endpoints import consumers
from notifications.delivery.models import Endpoint
from notifications.log.models import Consumer
from tests.notifications.delivery.stage import configure, configured, endpoint, start_at

pytestmark = pytest.mark.django_db


def names() -> list[str]:
    return [consumer.name for consumer in consumers()]


def test_each_configured_endpoint_is_a_row_and_a_consumer(settings: Settings) -> None:
    """The row says what the configuration says, without secrets; a new consumer starts at the head."""
    ignore = {"actions": ["pull"], "mediatypes": ["text/plain"]}
    configure(
        settings,
        configured("a", "https://me:s3cret@hooks.example.org/x", timeout="3s", headers={"B": ["1"], "A": ["2"]}),
        configured("b", "http://hooks.example.org/", ignore=ignore, ignoredmediatypes=["a/b"]),
    )
    assert names() == ["endpoint:a", "endpoint:b"]
    assert all(consumer.start_at_head for consumer in consumers())
    first, second = Endpoint.objects.order_by("name")
    assert (first.timeout_seconds, first.threshold, first.backoff_seconds) == (3.0, 2, 0.1)
    assert first.header_names == ["A", "B"]
    assert "s3cret" not in first.url
    assert first.url.endswith("@hooks.example.org/x")
    assert (second.ignored_actions, second.ignored_media_types) == (["pull"], ["a/b", "text/plain"])
    assert first.state == Endpoint.State.DELIVERING


def test_a_change_of_the_configuration_changes_the_row_and_keeps_its_state(settings: Settings) -> None:
    """Counters and failures are not the configuration's."""
    configure(settings, configured("a", "http://one.example/"))
    consumers()
    Endpoint.objects.update(successes=7, consecutive_failures=1, is_paused=True)
    configure(settings, configured("a", "http://two.example/", threshold=9))
    consumers()
    row = endpoint("a")
    assert (row.url, row.threshold) == ("http://two.example/", 9)
    assert (row.successes, row.consecutive_failures, row.is_paused) == (7, 1, True)


def test_nothing_is_written_when_nothing_changed(settings: Settings, django_assert_num_queries: object) -> None:
    """The relay asks every few seconds: that is one query."""
    configure(settings, configured("a", "http://one.example/"))
    consumers()
    with django_assert_num_queries(1):  # type: ignore[operator]
        consumers()


def test_an_endpoint_that_vanishes_is_marked_and_keeps_its_position(settings: Settings) -> None:
    """When it comes back it goes on where it was."""
    one, two = configured("a", "http://one.example/"), configured("b", "http://two.example/")
    configure(settings, one, two)
    consumers()
    start_at(17, "a")
    configure(settings, two)
    assert names() == ["endpoint:b"]
    assert endpoint("a").state == Endpoint.State.ABSENT
    configure(settings, one, two)
    assert names() == ["endpoint:a", "endpoint:b"]
    assert endpoint("a").state == Endpoint.State.DELIVERING
    assert Consumer.objects.get(name="endpoint:a").position == 17


def test_disabled_and_paused_endpoints_are_no_consumers(settings: Settings) -> None:
    """By the configuration the one, by an operator the other."""
    configure(
        settings,
        configured("off", "http://one.example/", disabled=True),
        configured("held", "http://two.example/"),
        configured("on", "http://three.example/"),
    )
    consumers()
    pause_endpoint(endpoint("held"))
    assert names() == ["endpoint:on"]
    assert endpoint("off").state == Endpoint.State.DISABLED
    assert endpoint("held").state == Endpoint.State.PAUSED


def test_the_row_has_the_filter_as_config_yml_would_say_it(settings: Settings) -> None:
    """Without what is not written."""
    configure(settings, configured("a", "http://one.example/", filter={"tags": ["v*"], "minsize": "2MiB"}))
    consumers()
    assert endpoint("a").filter == {"tags": ["v*"], "minsize": "2MiB"}

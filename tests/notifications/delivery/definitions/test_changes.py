"""Endpoints that are made here: how they are made, run, changed and deleted."""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from notifications.delivery.definitions.changes import (
    MOST_SECRETS,
    Configured,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    rotate_secret,
)
from notifications.delivery.definitions.pauses import pause_endpoint, resume_endpoint, skip_and_resume
from notifications.delivery.definitions.typed import BadEndpoint, unseal
from notifications.delivery.endpoints import consumers
from notifications.delivery.models import Attempt, Endpoint, Notice
from notifications.log.models import Consumer
from notifications.signing import BadSignature, verify
from registryhub.access.sealing import Unsealable
from tests.notifications.delivery.definitions.test_typed import SECRET, allow
from tests.notifications.delivery.outgoing.test_sinks import CERTIFICATE, tls_server
from tests.notifications.delivery.raw_server import OK, RawServer, answer
from tests.notifications.delivery.stage import configure, configured, endpoint, ids, log_events, start_at
from tests.notifications.delivery.turns import relays
from tests.servers.scripted import Answer, redirect
from tests.servers.webhook_receiver import Received, WebhookReceiver

pytestmark = pytest.mark.django_db(transaction=True)

URL = "https://hooks.example.org/x"


@pytest.fixture(autouse=True)
def receivers_here(settings: Settings) -> None:
    """Those of the tests listen on this machine."""
    allow(settings, "127.0.0.0/8")


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as receiver:
        yield receiver


def make(name: str = "a", url: str = URL, **document: Any) -> Endpoint:
    return create_endpoint({"name": name, "url": url, **document})[0]


def position(name: str = "a") -> int:
    return Consumer.objects.get(name=f"endpoint:{name}").position


def is_signed_with(secret: str, request: Received) -> bool:
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        verify(secret, headers, request.body, now=timezone.now().timestamp())
    except BadSignature:
        return False
    return True


def refusal(**document: Any) -> dict[str, str]:
    with pytest.raises(BadEndpoint) as raised:
        create_endpoint(document)
    return raised.value.problems


def test_a_new_endpoint_has_a_row_a_place_and_a_secret() -> None:
    """The row shows the settings; what is secret stands there encrypted only."""
    log_events(5)
    made, secret = create_endpoint(
        {"name": "a", "url": "https://me:hush@hooks.example.org/", "headers": {"X-Token": "hush"}, "timeout": "3s"}
    )
    row = Endpoint.objects.get()
    assert (row.pk, row.origin, row.timeout_seconds, row.header_names) == (made.pk, "ui", 3.0, ["X-Token"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM delivery_endpoint")
        assert not any(word in str(cursor.fetchall()) for word in ("hush", secret))
    assert [each.text for each in unseal(row.sealed).secrets] == [secret]
    assert position() == 5
    assert [consumer.name for consumer in consumers()] == ["endpoint:a"]


def test_a_new_endpoint_may_start_with_the_oldest_event(settings: Settings, receiver: WebhookReceiver) -> None:
    """Everything that is in the log is sent to it."""
    log_events(3)
    create_endpoint({"name": "a", "url": receiver.url}, start="oldest")
    with relays(settings) as running:
        running.until(lambda: position() == 3)
    assert ids(receiver.events()) == [1, 2, 3]


def test_a_name_belongs_to_one_endpoint(settings: Settings) -> None:
    """Made here, configured, or configured once."""
    make("a")
    assert "another endpoint" in refusal(name="a", url=URL)["name"]
    configure(settings, configured("b", URL))
    assert "config.yml" in refusal(name="b", url=URL)["name"]
    consumers()
    configure(settings)
    consumers()
    assert "delete that one first" in refusal(name="b", url=URL)["name"]
    delete_endpoint(endpoint("b"))
    assert make("b").is_active


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"url": URL}, "name"),
        ({"name": " ", "url": URL}, "name"),
        ({"name": "-/new", "url": URL}, "name"),
        ({"name": "a"}, "url"),
        ({"name": "a", "url": URL, "secrets": ["hush"]}, "secrets[0]"),
        ({"name": "a", "url": URL, "secrets": "hush"}, "secrets"),
        ({"name": "a", "url": URL, "secrets": [SECRET] * 11}, "secrets"),
    ],
)
def test_what_cannot_be_used_is_not_made(document: dict[str, Any], key: str) -> None:
    """And the key is named."""
    assert refusal(**document).keys() == {key}
    assert not Endpoint.objects.exists()


def test_a_change_reaches_a_sender_that_rests(settings: Settings) -> None:
    """The next event goes to the new URL, though the old sender had nothing to save; what it says is kept."""
    with WebhookReceiver() as old, WebhookReceiver() as new, relays(settings) as running:
        made = make(url=old.url)
        log_events(1)
        running.until(lambda: position() == 1)
        change_endpoint(made, {"url": new.url})
        running.until(lambda: runs_by(running.rosters["ann"], 1))
        log_events(1)
        running.until(lambda: position() == 2)
        assert (ids(old.events()), ids(new.events())) == ([1], [2])
    assert (endpoint("a").url, endpoint("a").successes, endpoint("a").revision) == (new.url, 2, 1)


def runs_by(roster: Any, revision: int) -> bool:
    """Whether a sender with settings of this revision is at work."""
    [runner] = roster._streams.values()
    return bool(runner.is_alive and runner.consumer.revision == revision and not runner._feed.stopping)


def test_a_change_reaches_a_sender_that_works(settings: Settings) -> None:
    """It stops when it saves; nothing is lost, sent twice or out of order."""
    with WebhookReceiver() as old, WebhookReceiver() as new, relays(settings) as running:
        made = make(url=old.url)
        log_events(2000)
        running.until(lambda: len(old.requests) > 50)
        change_endpoint(made, {"url": new.url})
        running.until(lambda: position() == 2000)
        assert new.requests
        assert ids([*old.events(), *new.events()]) == list(range(1, 2001))


def test_two_relays_see_a_change(settings: Settings) -> None:
    """Whoever of them holds the endpoint; the one that did may lose it to the other."""
    with WebhookReceiver() as old, WebhookReceiver() as new, relays(settings, "ann", "bob") as running:
        made = make(url=old.url)
        for number in range(1, 6):
            change_endpoint(made, {"url": (old, new)[number % 2].url})
            log_events(1)
            running.until(lambda number=number: position() == number)  # type: ignore[misc]
        change_endpoint(made, {"url": new.url_of("/last")})
        running.until(lambda: any(runs_by(roster, 6) for roster in running.rosters.values()))
        log_events(1)
        running.until(lambda: position() == 6)
        assert [request.path for request in new.requests][-1] == "/last"
        assert sorted(ids([*old.events(), *new.events()])) == list(range(1, 7))


def test_a_deleted_endpoint_leaves_nothing(
    settings: Settings, receiver: WebhookReceiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Its sender ends by itself, and says so once, calmly."""
    with relays(settings) as running:
        made = make(url=receiver.url)
        log_events(2000)
        running.until(lambda: len(receiver.requests) > 50)
        with caplog.at_level(logging.INFO):
            delete_endpoint(made)
            runner = running.rosters["ann"]._streams["endpoint:a"]
            running.until(lambda: not runner.is_alive)
    assert not Consumer.objects.exists()
    assert [model.objects.count() for model in (Endpoint, Attempt, Notice)] == [0, 0, 0]
    assert "endpoint a was deleted" in caplog.messages
    assert not [record for record in caplog.records if record.levelno > logging.INFO]


def test_a_relay_that_has_not_heard_of_the_end_makes_no_place(settings: Settings, receiver: WebhookReceiver) -> None:
    """It asked who listens just before; the place that it made anew goes."""
    made = make(url=receiver.url)
    heard = consumers()
    delete_endpoint(made)
    with relays(settings) as running:
        running.rosters["ann"]._refresh_streams({each.name: each for each in heard})
        assert running.rosters["ann"]._streams["endpoint:a"].join(10)
    assert not Consumer.objects.exists()


def test_endpoints_of_the_configuration_are_left_alone(settings: Settings) -> None:
    """The refusal says what to do there."""
    configure(settings, configured("a", URL))
    consumers()
    for act in (lambda row: change_endpoint(row, {"threshold": 2}), delete_endpoint, rotate_secret):
        with pytest.raises(Configured, match=r"config\.yml"):
            act(endpoint("a"))
    assert endpoint("a").threshold == 2


def test_the_configuration_wins_over_an_endpoint_of_the_same_name(settings: Settings) -> None:
    """It goes on at its place with the settings of `config.yml`; what was typed is forgotten, which a message says."""
    with WebhookReceiver() as typed, WebhookReceiver() as written, relays(settings) as running:
        make(url=typed.url)
        log_events(1)
        running.until(lambda: position() == 1)
        configure(settings, configured("a", written.url))
        running.until(lambda: endpoint("a").is_configured and not endpoint("a").sealed)
        running.until(lambda: runs_by(running.rosters["ann"], 1))
        log_events(1)
        running.until(lambda: position() == 2)
        assert (ids(typed.events()), ids(written.events())) == ([1], [2])
    assert "settings made here are forgotten" in Notice.objects.get().text


def test_old_secrets_sign_beside_the_new_one_until_their_time_is_over(
    settings: Settings, receiver: WebhookReceiver
) -> None:
    """Then they go by themselves, within moments, in a sender that runs."""
    made, first = create_endpoint({"name": "a", "url": receiver.url, "face": "standard"})
    second = rotate_secret(made)
    with relays(settings) as running:
        log_events(1)
        running.until(lambda: position() == 1)
        expire(made)
        running.until(lambda: runs_by(running.rosters["ann"], 2))
        log_events(1)
        running.until(lambda: position() == 2)
    both, new = receiver.requests
    assert [is_signed_with(secret, both) for secret in (first, second)] == [True, True]
    assert [is_signed_with(secret, new) for secret in (first, second)] == [False, True]
    assert endpoint("a").secret_expires_at is None


def expire(made: Endpoint) -> None:
    """Let the time of its old secrets be over."""
    typed = unseal(endpoint(made.name).sealed)
    past = timezone.now() - timedelta(seconds=1)
    new, *old = typed.secrets
    secrets = [new, *(type(secret)(secret.text, past) for secret in old)]
    sealed = type(typed)(typed.document, secrets).seal()
    Endpoint.objects.filter(pk=made.pk).update(sealed=sealed, secret_expires_at=past)


def test_many_secrets_are_kept_but_not_any_number() -> None:
    """The oldest go first; an overlap of nothing lets the old ones go at once."""
    made = make()
    for _ in range(12):
        secret = rotate_secret(made)
    assert len(unseal(endpoint("a").sealed).secrets) == MOST_SECRETS
    assert unseal(endpoint("a").sealed).secrets[0].text == secret
    rotate_secret(made, overlap_seconds=0)
    assert len(unseal(endpoint("a").sealed).secrets) == 1
    with pytest.raises(BadEndpoint, match="overlap"):
        rotate_secret(made, overlap_seconds=1e9)


def test_a_later_rotation_lets_no_secret_live_longer() -> None:
    """A short overlap that was promised is kept."""
    made = make()
    rotate_secret(made, overlap_seconds=60)
    expiry = endpoint("a").secret_expires_at
    rotate_secret(made, overlap_seconds=3600)
    assert endpoint("a").secret_expires_at == expiry


def test_settings_under_another_key_disable_the_endpoint_until_they_are_entered_again(
    settings: Settings, receiver: WebhookReceiver
) -> None:
    """The reason is said; nothing is sent, nothing is lost."""
    made = make(url=receiver.url, threshold=3)
    settings.SECRET_KEY = "another"
    with relays(settings) as running:
        running.until(lambda: endpoint("a").stopped_at is not None)
        assert "enter them again" in endpoint("a").stop_reason
        assert "enter them again" in Notice.objects.get(kind="disabled").text
        with pytest.raises(Unsealable):
            rotate_secret(made)
        with pytest.raises(BadEndpoint, match="url"):
            change_endpoint(made, {"threshold": 4})
        assert change_endpoint(made, {"url": receiver.url}).startswith("whsec_")
        resume_endpoint(made)
        log_events(1)
        running.until(lambda: position() == 1)
    assert endpoint("a").threshold == 10


def test_an_endpoint_whose_address_is_allowed_no_longer_is_disabled(
    settings: Settings, receiver: WebhookReceiver
) -> None:
    """Before anything is sent there."""
    make(url=receiver.url)
    log_events(1)
    allow(settings)
    with relays(settings) as running:
        running.until(lambda: endpoint("a").stopped_at is not None)
    assert "hub.outgoing.allow" in endpoint("a").stop_reason
    assert receiver.requests == []


def test_what_waited_is_skipped_exactly(settings: Settings, receiver: WebhookReceiver) -> None:
    """The next event is sent; how many were skipped is answered and said by a message."""
    with relays(settings) as running:
        made = make(url=receiver.url, ignore={"actions": ["pull"]})
        log_events(1)
        running.until(lambda: position() == 1)
        pause_endpoint(made)
        running.until(lambda: not running.rosters["ann"]._streams)
        log_events(4)
        log_events(3, action="pull")
        assert skip_and_resume(made, by="ada") == (4, True)
        log_events(1)
        running.until(lambda: position() == 9)
    assert ids(receiver.events()) == [1, 9]
    assert Notice.objects.get().text == (
        "ada has skipped what waited: 4 of the events 2 to 8 of the log are never sent"
    )


def test_a_sender_that_still_runs_cannot_take_back_what_was_skipped(settings: Settings) -> None:
    """It loses its place: what it had under way moves nothing."""
    with WebhookReceiver(default=Answer(200, delay_seconds=0.2)) as receiver, relays(settings) as running:
        made = make(url=receiver.url)
        log_events(50)
        running.until(lambda: len(receiver.requests) >= 1)
        skip_and_resume(made, by="ada")
        log_events(1)
        running.until(lambda: position() == 51)
        assert ids(receiver.events())[-1] == 51
        assert len(receiver.requests) < 10


def test_nothing_waited_and_nothing_is_said(settings: Settings) -> None:
    """Not even a message."""
    made = make()
    pause_endpoint(made)
    assert skip_and_resume(made, by="ada") == (0, True)
    assert not Notice.objects.exists()
    assert endpoint("a").is_active


def test_an_authority_of_its_own_is_pasted_as_text(settings: Settings) -> None:
    """It trusts that one instead of those of the system."""
    with RawServer(answer(OK), tls=tls_server()) as server, relays(settings) as running:
        make("a", server.url, tls={"capem": CERTIFICATE.read_text()})
        make("b", server.url)
        log_events(1)
        running.until(lambda: position("a") == 1 and bool(endpoint("b").errors))
        assert endpoint("b").last_error.startswith("TLS: self")


def test_neither_a_redirect_nor_a_proxy_leads_past_the_guard(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one is not followed, the other is not asked, whatever the environment of the process says."""
    with WebhookReceiver() as inner, WebhookReceiver() as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        with WebhookReceiver(default=redirect(inner.url)) as outer, relays(settings) as running:
            make("a", outer.url)
            make("b", "http://hooks.invalid/")
            log_events(1)
            running.until(lambda: bool(endpoint("a").failures and endpoint("b").errors))
            assert "redirects are not followed" in endpoint("a").last_error
        assert inner.requests == proxy.requests == []


def test_an_endpoint_of_the_configuration_may_lead_within(settings: Settings) -> None:
    """It is the administrator's own word."""
    allow(settings)
    with WebhookReceiver() as receiver, relays(settings) as running:
        configure(settings, configured("a", receiver.url))
        running.turn()
        start_at(0, "a")
        log_events(1)
        running.until(lambda: position() == 1)
        assert ids(receiver.events()) == [1]

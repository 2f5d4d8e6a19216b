"""Sources that sign instead of sending a token."""

import json
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from notifications.log.models import Intake
from notifications.receiver.models import Pace, SignedMessage
from notifications.receiver.signatures import SIGNED_BYTES
from notifications.receiver.sources import SourceRefused, add_signing_source, add_source, change_source, rotate_secret
from notifications.signing import TOLERANCE_SECONDS
from registryhub.access import throttle
from registryhub.access.models import Guess, Source, SourceSecret
from registryhub.access.source_secrets import MOST_SECRETS, read_secrets
from tests.notifications.receiver.posting import Answer, envelope, event, post
from tests.notifications.receiver.signed import as_gitea, as_github, as_standard, post_signed

pytestmark = pytest.mark.django_db

RAW = json.dumps(envelope(event("a"))).encode()
Signer = Callable[[str, bytes], dict[str, Any]]


@pytest.fixture
def secret(db: None) -> str:
    return add_signing_source("edge")[1]


def taken(answer: Answer) -> bool:
    assert answer.status in (202, 401), answer.document
    return answer.status == 202


@pytest.mark.parametrize("signer", [as_github, as_gitea, as_standard])
def test_a_signed_envelope_is_taken(secret: str, signer: Signer) -> None:
    """In each of the three ways; it is stored under the source that the URL names."""
    assert post_signed(RAW, signer(secret, RAW)).document == {"accepted": 1, "duplicates": 0, "quarantined": 0}
    assert Intake.objects.get().source.name == "edge"


@pytest.mark.parametrize("signer", [as_github, as_gitea, as_standard])
def test_another_secret_or_another_body_is_refused_with_the_mend(secret: str, signer: Signer) -> None:
    """401, and nothing is stored."""
    other = add_signing_source("other")[1]
    for answer in (
        post_signed(RAW, signer(other, RAW)),
        post_signed(RAW + b" ", signer(secret, RAW)),
        post_signed(RAW, signer(secret, RAW), source="other"),
        post_signed(RAW, signer(secret, RAW), source="nobody"),
    ):
        assert not taken(answer)
        assert "/api/v1/events/NAME" in answer.error["detail"]
    assert not Intake.objects.exists()


def test_what_is_signed_is_not_as_large_as_what_comes_with_a_token(secret: str) -> None:
    """It is held in memory before it is known to be anybody's."""
    answer = post_signed(b" " * (SIGNED_BYTES + 1), {"HTTP_X_HUB_SIGNATURE_256": "sha256=ab"})
    assert answer.status == 413
    assert "use a token" in answer.error["detail"]


def test_who_is_there_is_not_told(secret: str) -> None:
    """A source that is not there, or is disabled, or has no secret, is answered like any wrong signature."""
    add_source("silent")
    add_signing_source("off")
    Source.objects.filter(name="off").update(is_enabled=False)
    answers = [post_signed(RAW, as_github(secret, RAW), source=name) for name in ("nobody", "silent", "off", "hub")]
    assert {answer.error["detail"].partition(";")[0] for answer in answers} == {
        "the signature does not fit: another secret, or a changed message"
    }


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_X_HUB_SIGNATURE_256": "sha256=é"},
        {"HTTP_X_GITEA_SIGNATURE": "\xff" * 64},
        {"HTTP_WEBHOOK_ID": "m"},
        {"HTTP_WEBHOOK_ID": "m", "HTTP_WEBHOOK_TIMESTAMP": "9" * 400, "HTTP_WEBHOOK_SIGNATURE": "v1,x"},
        {"HTTP_WEBHOOK_ID": "\xe9", "HTTP_WEBHOOK_TIMESTAMP": "1", "HTTP_WEBHOOK_SIGNATURE": "v1,é"},
    ],
)
def test_nonsense_is_a_wrong_signature(secret: str, headers: dict[str, Any]) -> None:
    """And never an error of ours."""
    assert not taken(post_signed(RAW, headers))


def test_a_signature_without_a_name_in_the_url_is_refused() -> None:
    """Whose secret would it be?"""
    answer = post(RAW, **as_github("x", RAW))
    assert answer.status == 401
    assert "say who it is" in answer.error["detail"]


def test_what_was_signed_long_ago_is_refused(secret: str) -> None:
    """Before or after now: a clock may be wrong in both directions."""
    for age in (TOLERANCE_SECONDS + 5, -TOLERANCE_SECONDS - 5):
        answer = post_signed(RAW, as_standard(secret, RAW, age_seconds=age))
        assert not taken(answer)
        assert "check the clocks" in answer.error["detail"]
    assert taken(post_signed(RAW, as_standard(secret, RAW, age_seconds=TOLERANCE_SECONDS - 5)))


def test_a_message_is_taken_once_however_often_it_is_sent(secret: str) -> None:
    """Also with an unreadable event in it, that has no id; and with other signatures around its own."""
    raw = json.dumps(envelope(event("a"), {"id": ""})).encode()
    signed = as_standard(secret, raw)
    assert post_signed(raw, signed).document == {"accepted": 1, "duplicates": 0, "quarantined": 1}
    signed["HTTP_WEBHOOK_SIGNATURE"] = f"v1,AAAA {signed['HTTP_WEBHOOK_SIGNATURE']}"
    signed["HTTP_WEBHOOK_TIMESTAMP"] = f"0{signed['HTTP_WEBHOOK_TIMESTAMP']}"
    assert post_signed(raw, signed).document == {"accepted": 0, "duplicates": 2, "quarantined": 0}
    assert Intake.objects.count() == 1
    assert taken(post_signed(raw, as_standard(secret, raw, message_id="m-2")))
    assert Intake.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_one_message_that_comes_twice_at_once_one_is_taken() -> None:
    """Whichever process each comes to."""
    secret = add_signing_source("edge")[1]
    headers, barrier, answers = as_standard(secret, RAW), Barrier(2), []

    def send() -> None:
        barrier.wait()
        answers.append(post_signed(RAW, headers).document)
        connection.close()

    threads = [Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer["accepted"] for answer in answers) == [0, 1]
    assert Intake.objects.count() == 1


def test_a_message_that_was_refused_may_come_again(secret: str) -> None:
    """It was not taken: the source was busy."""
    edge = Source.objects.get(name="edge")
    change_source(edge, events_per_second=1)
    pace = Pace.objects.create(source=edge, busy_until=timezone.now() + timedelta(seconds=60))
    signed = as_standard(secret, RAW)
    assert post_signed(RAW, signed).status == 429
    pace.delete()
    assert post_signed(RAW, signed).document["accepted"] == 1


def test_a_signed_envelope_of_ten_thousand_events_is_one_row(secret: str) -> None:
    """As one that came with a token."""
    raw = json.dumps(envelope(*(event(f"e-{number}") for number in range(10_000)))).encode()
    assert post_signed(raw, as_github(secret, raw)).document["accepted"] == 10_000
    assert Intake.objects.count() == 1


def test_messages_that_are_too_old_to_come_again_are_forgotten(secret: str) -> None:
    """They would be refused by their time."""
    post_signed(RAW, as_standard(secret, RAW))
    SignedMessage.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    post_signed(RAW, as_standard(secret, RAW, message_id="m-2"))
    assert SignedMessage.objects.count() == 1


def test_with_a_grace_the_old_secret_goes_on_for_a_while(secret: str) -> None:
    """Then it ends; without a grace it ends at once."""
    edge = Source.objects.get(name="edge")
    second = rotate_secret(edge, grace_seconds=3600)
    assert [taken(post_signed(RAW, as_github(one, RAW))) for one in (secret, second)] == [True, True]
    SourceSecret.objects.filter(expires_at__isnull=False).update(expires_at=timezone.now())
    assert [taken(post_signed(RAW, as_github(one, RAW))) for one in (secret, second)] == [False, True]
    third = rotate_secret(edge)
    assert [taken(post_signed(RAW, as_github(one, RAW))) for one in (second, third)] == [False, True]


def test_the_sender_may_have_made_the_secret(secret: str) -> None:
    """It is long enough, and has no spaces; of the wrong kind for a signature, it fits none."""
    edge = Source.objects.get(name="edge")
    assert rotate_secret(edge, secret="a secret?".replace(" ", "-") * 2) == "a-secret?a-secret?"
    assert taken(post_signed(RAW, as_github("a-secret?a-secret?", RAW)))
    assert not taken(post_signed(RAW, as_standard(secret, RAW)))
    for text in ("short", "with spaces in between it", "é" * 20, "x" * 201):
        with pytest.raises(SourceRefused, match="A secret has 16 to 200"):
            rotate_secret(edge, secret=text)


def test_few_secrets_are_kept(secret: str) -> None:
    """Each envelope may be checked against all of them."""
    edge = Source.objects.get(name="edge")
    made = [rotate_secret(edge, grace_seconds=3600) for _ in range(MOST_SECRETS)]
    assert read_secrets(edge) == made[::-1]


def test_secrets_are_not_in_the_database_as_they_are(secret: str) -> None:
    """Under another SECRET_KEY they are useless, and the log says so."""
    assert secret not in SourceSecret.objects.get().sealed


def test_under_another_secret_key_nothing_fits(
    secret: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says what to do."""
    settings.SECRET_KEY = "another"
    assert not taken(post_signed(RAW, as_github(secret, RAW)))
    assert "a secret of source edge cannot be used" in caplog.text


def test_who_guesses_has_to_wait_before_anything_is_read(secret: str) -> None:
    """429 with when to come again; from elsewhere the right signature is taken."""
    for _ in range(throttle.FREE_TRIES_OF_A_USER + 1):
        assert not taken(post_signed(RAW, as_github("wrong", RAW)))
    answer = post_signed(RAW, as_github(secret, RAW))
    assert answer.status == 429
    assert int(answer.all("retry-after")[0]) >= 1
    raw = json.dumps(envelope(event("a"))).encode()
    elsewhere = post(raw, PATH_INFO="/api/v1/events/edge", REMOTE_ADDR="198.51.100.1", **as_github(secret, raw))
    assert elsewhere.status == 202


def test_a_right_signature_clears_the_guesses(secret: str) -> None:
    """Of that source from that address."""
    post_signed(RAW, as_github("wrong", RAW))
    post_signed(RAW, as_github(secret, RAW))
    assert not Guess.objects.filter(key__contains="source:edge").exists()

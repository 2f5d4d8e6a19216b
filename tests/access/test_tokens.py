from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from registryhub.access.models import ApiToken, Source, SourceToken
from registryhub.access.tokens import create_api_token, create_source_token, find_source, find_user

pytestmark = pytest.mark.django_db


def test_a_token_finds_its_source_and_only_its_hash_is_kept() -> None:
    """The secret stands nowhere in the database."""
    source = Source.objects.create(name="edge")
    secret = create_source_token(source)
    assert find_source(secret) == source
    assert secret not in str(SourceToken.objects.values())
    assert find_source(secret + "x") is None
    assert find_source("") is None


def test_expired_tokens_and_disabled_sources_are_not_found() -> None:
    """Both ends of a token's life close the door."""
    source = Source.objects.create(name="edge")
    expired = create_source_token(source, expires_at=timezone.now() - timedelta(seconds=1))
    valid = create_source_token(source, expires_at=timezone.now() + timedelta(hours=1))
    assert find_source(expired) is None
    assert find_source(valid) == source
    Source.objects.update(is_enabled=False)
    assert find_source(valid) is None


def test_a_token_of_a_user_who_was_locked_out_is_not_found() -> None:
    """Deactivating the user deactivates the tokens."""
    user = User.objects.create_user("ada")
    secret = create_api_token(user)
    assert find_user(secret) == user
    User.objects.update(is_active=False)
    assert find_user(secret) is None


def test_one_kind_of_token_is_not_the_other() -> None:
    """A source cannot use the API with its token, nor the other way round."""
    assert find_user(create_source_token(Source.objects.create(name="edge"))) is None
    assert find_source(create_api_token(User.objects.create_user("ada"))) is None


def test_create_token_prints_the_token_alone() -> None:
    """A script can read it from standard output."""
    User.objects.create_user("ada")
    output = StringIO()
    call_command("create_token", "ada", "--label", "laptop", stdout=output)
    assert find_user(output.getvalue().strip()) is not None
    assert ApiToken.objects.get().label == "laptop"


def test_create_token_for_an_unknown_user_names_the_known_ones() -> None:
    """The error helps on."""
    User.objects.create_user("ada")
    with pytest.raises(CommandError, match=r"no user 'eda' \(known: ada\)"):
        call_command("create_token", "eda")


@pytest.mark.parametrize("scheme", ["Bearer", "Token", "bearer"])
def test_the_api_takes_a_token(client: Client, scheme: str) -> None:
    """A staff user's token opens what staff may see."""
    secret = create_api_token(User.objects.create_user("ada", is_staff=True))
    assert client.get("/api/v1/log", headers={"Authorization": f"{scheme} {secret}"}).status_code == 200


def test_the_api_refuses_a_wrong_token_with_a_challenge(client: Client) -> None:
    """401, not 403, and the answer says how to get a token."""
    answer = client.get("/api/v1/log", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert "create_token" in answer.json()["detail"]

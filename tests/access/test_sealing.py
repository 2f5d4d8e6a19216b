"""Secrets in rows."""

import base64
import json
from hashlib import sha256

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from registryhub.access.sealing import Seal, Unsealable

SEAL = Seal("a purpose")


def test_what_is_sealed_can_be_read_and_not_seen() -> None:
    """Nothing sealed is nothing stored."""
    sealed = SEAL.seal({"environment": {"PASSWORD": "hush"}})
    assert "hush" not in sealed
    assert "PASSWORD" not in sealed
    assert SEAL.unseal(sealed) == {"environment": {"PASSWORD": "hush"}}
    assert SEAL.seal({}) == ""
    assert SEAL.unseal("") == {}


def test_another_secret_key_cannot_read_it(settings: Settings) -> None:
    """The text says what to do."""
    sealed = SEAL.seal({"key": "hush"})
    settings.SECRET_KEY = "another"
    with pytest.raises(Unsealable, match="enter them again"):
        SEAL.unseal(sealed)


def test_each_purpose_has_a_key_of_its_own() -> None:
    """So that what was sealed for a service is nothing that an endpoint reads."""
    with pytest.raises(Unsealable):
        Seal("another").unseal(SEAL.seal({"key": "hush"}))


def test_what_services_have_sealed_before_can_still_be_read(settings: Settings) -> None:
    """The key of a purpose is the digest of its name, a zero byte and the SECRET_KEY."""
    key = base64.urlsafe_b64encode(sha256(b"deployer\0" + settings.SECRET_KEY.encode()).digest())
    sealed = Fernet(key).encrypt(json.dumps({"key": "hush"}).encode()).decode()
    assert Seal("deployer").unseal(sealed) == {"key": "hush"}

"""Secrets in rows."""

import pytest
from pytest_django import Settings

from deployer.sealing import Unsealable, seal, unseal


def test_what_is_sealed_can_be_read_and_not_seen() -> None:
    """Nothing sealed is nothing stored."""
    sealed = seal({"environment": {"PASSWORD": "hush"}})
    assert "hush" not in sealed
    assert "PASSWORD" not in sealed
    assert unseal(sealed) == {"environment": {"PASSWORD": "hush"}}
    assert seal({}) == ""
    assert unseal("") == {}


def test_another_secret_key_cannot_read_it(settings: Settings) -> None:
    """The text says what to do."""
    sealed = seal({"key": "hush"})
    settings.SECRET_KEY = "another"
    with pytest.raises(Unsealable, match="enter them again"):
        unseal(sealed)

"""What all tests of the pages stand on."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    """What many see alike is kept for some seconds."""
    cache.clear()


@pytest.fixture
def staff(django_user_model: Any) -> Client:
    """The browser of somebody who sees everything."""
    client = Client()
    client.force_login(django_user_model.objects.create_superuser("root"))
    return client

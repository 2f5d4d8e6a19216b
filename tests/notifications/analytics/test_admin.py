import pytest
from django.contrib.auth.models import User
from django.test import Client

from notifications.analytics.models import RepositoryTotals, TagTotals
from tests.notifications.analytics.logged import counted, logged

pytestmark = pytest.mark.django_db


def test_the_counters_can_be_looked_at_and_not_changed(client: Client) -> None:
    """Lists, search and one row, in a fixed number of queries."""
    client.force_login(User.objects.create_superuser("root"))
    counted(*(logged("pull", name) for name in ("shop/cart", "shop/search", "shop/mail")))
    for model in (RepositoryTotals, TagTotals):
        path = f"/admin/analytics/{model.__name__.lower()}/"
        assert b"shop/cart" in client.get(path).content
        found = client.get(f"{path}?q=shop/search").content
        assert b"shop/search" in found
        assert b"shop/cart" not in found
        key = model.objects.values_list("pk", flat=True)[0]
        assert client.get(f"{path}{key}/change/").status_code == 200
        assert client.post(f"{path}{key}/change/", {"pulls": 7}).status_code == 403
        assert client.get(f"{path}add/").status_code == 403

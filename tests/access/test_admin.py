"""Sources and what proves them, in the admin."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from notifications.receiver.sources import add_signing_source, add_source
from registryhub.access.models import Source, SourceSecret

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    found = Client()
    found.force_login(User.objects.create_superuser("ada"))
    return found


def test_secrets_are_not_shown_and_can_be_taken_away(client: Client) -> None:
    """Neither as they are nor encrypted; commands, pages and the API make them."""
    secret = add_signing_source("forge")[1]
    row = SourceSecret.objects.get()
    for path in ("", f"{row.pk}/change/"):
        page = client.get(f"/admin/access/sourcesecret/{path}").content.decode()
        assert "forge" in page
        assert secret not in page
        assert row.sealed not in page
    assert client.get("/admin/access/sourcesecret/add/").status_code == 403
    client.post(f"/admin/access/sourcesecret/{row.pk}/delete/", {"post": "yes"})
    assert not SourceSecret.objects.exists()


def test_sources_are_deleted_by_their_page_only(client: Client) -> None:
    """Which looks at what would be lost; and the name is one that fits a URL."""
    source = add_source("edge")[0]
    assert client.get("/admin/access/source/").status_code == 200
    assert client.post(f"/admin/access/source/{source.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post("/admin/access/source/add/", {"name": "a/b", "events_per_second": "0"})
    client.post("/admin/access/source/add/", {"name": "other.example.org", "events_per_second": "0"})
    assert set(Source.objects.values_list("name", flat=True)) == {"hub", "edge", "other.example.org"}

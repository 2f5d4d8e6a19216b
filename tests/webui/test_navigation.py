"""The sections of the site."""

import re

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.template.loader import render_to_string
from django.test import Client
from django.urls import resolve

from webui.navigation import SECTIONS, section_name, sections_for


def marked(page: str) -> list[str]:
    """The entries that are marked as the reader's place."""
    return re.findall(r'aria-current="page">([^<]+)</a>', page)


@pytest.mark.django_db
@pytest.mark.parametrize("section", [section for section in SECTIONS if section.name not in ("api", "admin")])
def test_the_section_of_a_page_is_marked(staff: Client, section: object) -> None:
    """Exactly one."""
    title, path = section.title, section.path  # type: ignore[attr-defined]
    assert marked(staff.get(path).content.decode()) == [title]


def test_pages_below_a_section_belong_to_it() -> None:
    """By the names of their addresses."""
    for path, name in (
        ("/repositories/a/b", "images"),
        ("/repositories/a/-/tags/v1", "images"),
        ("/events/7", "events"),
    ):
        assert section_name(resolve(path)) == name
    assert section_name(None) == ""


def test_sections_of_staff_are_shown_to_staff() -> None:
    """To nobody else, and to nobody on a page about an error."""
    assert sections_for(User(is_staff=True)) == SECTIONS
    for user in (AnonymousUser(), User(), User(is_staff=True, is_active=False), None):
        assert [section.name for section in sections_for(user)] == ["home", "images", "boards", "events", "api"]


def test_pages_about_errors_need_no_database() -> None:
    """Nor a request."""
    for page in ("error", "unavailable"):
        assert 'href="/repositories"' in render_to_string(f"webui/{page}.html")


@pytest.mark.django_db
def test_what_is_not_there_is_said_in_the_look_of_the_site(client: Client) -> None:
    """To programs as JSON."""
    page = client.get("/nothing/here")
    assert page.status_code == 404
    assert "There is no such page" in page.content.decode()
    answer = client.get("/api/v1/nothing")
    assert answer.status_code == 404
    assert "/api/v1/docs" in answer.json()["detail"]


@pytest.mark.django_db
def test_logging_in_leads_back_to_the_page(client: Client) -> None:
    """The link carries where one is."""
    assert 'href="/login?next=/repositories%3Fsearch%3Da"' in client.get("/repositories?search=a").content.decode()

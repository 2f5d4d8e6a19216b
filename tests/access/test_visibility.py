import threading

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import connections

from registryhub.access.models import HUB_SOURCE_ID, Repository, Source
from registryhub.access.repositories import ensure_repositories, ensure_repository
from registryhub.access.visibility import visible_repositories


@pytest.fixture
def two_repositories(db: None) -> None:
    Repository.objects.create(source_id=HUB_SOURCE_ID, name="open", is_public=True)
    Repository.objects.create(source_id=HUB_SOURCE_ID, name="closed", is_public=False)


def names(user: User | AnonymousUser) -> set[str]:
    return set(visible_repositories(user).values_list("name", flat=True))


@pytest.mark.usefixtures("two_repositories")
def test_only_staff_sees_what_is_private() -> None:
    """The anonymous, an ordinary user and a locked-out administrator see the public ones."""
    assert names(AnonymousUser()) == {"open"}
    assert names(User.objects.create_user("ada")) == {"open"}
    assert names(User.objects.create_user("eve", is_staff=True, is_active=False)) == {"open"}
    assert names(User.objects.create_user("joe", is_staff=True)) == {"open", "closed"}


@pytest.mark.django_db
def test_the_same_name_at_two_sources_is_two_repositories() -> None:
    """Two registries' `app/web` are never one."""
    edge = Source.objects.create(name="edge", is_public=True)
    known = ensure_repositories([(HUB_SOURCE_ID, "app/web"), (edge.pk, "app/web"), (edge.pk, "app/web")])
    assert len({each.id for each in known.values()}) == 2
    assert [known[HUB_SOURCE_ID, "app/web"].is_public, known[edge.pk, "app/web"].is_public] == [True, True]
    assert ensure_repositories(known) == known
    assert Repository.objects.get(source=edge).is_public


@pytest.mark.django_db(transaction=True)
def test_many_threads_that_make_one_repository_end_with_one_row() -> None:
    """Whoever comes second finds the row of the first."""
    ids: list[int] = []

    def make() -> None:
        ids.append(ensure_repository(HUB_SOURCE_ID, "app/web"))
        connections.close_all()

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(ids) == 8
    assert len(set(ids)) == 1

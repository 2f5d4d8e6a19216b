"""PostgreSQL finds by an index what is deleted, what needs it and what is attached to it, however much there is."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registryhub.access.models import HUB_SOURCE_ID, Repository
from registryhub.oci.digests import parse_digest
from registryhub.oci.media_types import OCI_INDEX
from registryhub.registry import manifests, protect, referrers
from registryhub.registry.models import Manifest
from tests.registry.plans import MANY, REPOSITORY, SUBJECT, fill, plan_of, plan_of_lookup, whole_tables
from tests.registry.stage import CONTEXT

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_database("postgres")]


@pytest.fixture
def digest() -> str:
    """Of a manifest in the middle of a large repository."""
    fill()
    return str(Manifest.objects.order_by("id").values_list("digest", flat=True)[MANY // 2])


def test_a_delete_reads_no_table_whole(digest: str) -> None:
    """Its tags, what it refers to, what begins its grace period: each by an index."""
    with CaptureQueriesContext(connection) as asked:
        manifests.delete(CONTEXT, REPOSITORY, digest, is_protected=True)
    statements = [query["sql"].strip() for query in asked]
    statements = [sql for sql in statements if sql.startswith(("SELECT", "UPDATE", "DELETE"))]
    assert len(statements) >= 6
    assert [found for sql in statements for found in whole_tables(plan_of(sql))] == []


def test_who_needs_something_is_found_by_an_index(digest: str) -> None:
    """An index, a referrer."""
    id_ = Repository.objects.get(name=REPOSITORY).pk
    for lookup, name in (
        (protect._HOLDER, "reference_repository_digest"),
        (protect._REFERRER, "manifest_subject"),
    ):
        plan = plan_of_lookup(lookup, id_, digest)
        assert name in plan
        assert whole_tables(plan) == []


def test_a_page_of_referrers_is_read_in_its_order(digest: str) -> None:
    """Of two hundred that are attached, among all others; the tag of old clients costs a look at its index."""
    tag = referrers.fallback_tag(parse_digest(SUBJECT))
    asked = (HUB_SOURCE_ID, REPOSITORY, SUBJECT, "", "", 11, tag, OCI_INDEX, "", "", 11, 11, 1 << 22)
    plan = plan_of_lookup(referrers._PAGE, *asked)
    assert "manifest_subject" in plan
    assert whole_tables(plan) == []
    page = referrers.list_referrers(REPOSITORY, parse_digest(SUBJECT), artifact_type="", after="", limit=100)
    assert len(page.descriptors) == 100

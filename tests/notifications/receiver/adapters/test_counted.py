"""What other registries send and what stands in logs, in the numbers that people see."""

from pathlib import Path

import pytest
from django.core.management import call_command

from notifications.analytics.models import RepositoryTotals
from registryhub.access.models import Source
from registryhub.access.tokens import create_source_token
from tests.notifications.analytics.logged import counted
from tests.notifications.log.making import sequence_all
from tests.notifications.receiver.adapters.samples import expected, payload
from tests.notifications.receiver.posting import post

pytestmark = pytest.mark.django_db

DIGEST = f"sha256:{'c' * 64}"


@pytest.fixture
def token(db: None) -> str:
    return create_source_token(Source.objects.create(name="edge"))


def numbers(repository: str) -> tuple[int, int, int]:
    """Pulls, checks and pushes, once all that came in is counted."""
    counted(*sequence_all())
    row = RepositoryTotals.objects.get(repository__source__name="edge", repository__name=repository)
    return row.pulls, row.checks, row.pushes


@pytest.mark.parametrize(
    ("sample", "repository", "wanted"),
    [
        ("harbor-pull", "library/alpine", (1, 0, 0)),
        ("harbor-cloudevents-pull", "library/alpine", (1, 0, 0)),
        ("harbor-push", "library/alpine", (0, 0, 2)),
        ("quay-push", "acme/web", (0, 0, 2)),
        ("docker-hub-push", "acme/web", (0, 0, 1)),
        ("ghcr-package-published-untagged", "octo-org/web", (0, 0, 1)),
        ("ecr-push-untagged", "team/web", (0, 0, 1)),
        ("acr-event-grid", "hello-world", (0, 0, 1)),
        ("registryhub-cloudevents", "app/web", (1, 0, 0)),
    ],
)
def test_pulls_and_pushes_of_other_registries_count(
    token: str, sample: str, repository: str, wanted: tuple[int, int, int]
) -> None:
    """By tag and by digest, whether or not the media type was told."""
    headers = expected(sample)["headers"]
    content_type = headers.get("Content-Type", "application/json")
    assert post(payload(sample), token, content_type=content_type).status == 202
    assert numbers(repository) == wanted


def test_requests_in_a_log_count(tmp_path: Path, token: str) -> None:
    """Pulls by tag and by digest, a check, a push; of blobs and of what was refused nothing."""
    path = tmp_path / "access.log"
    requests = [
        ("10.0.0.1", "GET", "manifests/v1", 200),
        ("10.0.0.2", "GET", f"manifests/{DIGEST}", 200),
        ("10.0.0.3", "HEAD", "manifests/v1", 200),
        ("10.0.0.4", "PUT", "manifests/v1", 201),
        ("10.0.0.5", "GET", f"blobs/{DIGEST}", 200),
        ("10.0.0.6", "GET", "manifests/v2", 404),
    ]
    path.write_text(
        "".join(
            f'{client} - - [25/Nov/2025:01:42:01 +0000] "{method} /v2/app/web/{target} HTTP/1.1" {status} 9 "-" "x/1"\n'
            for client, method, target, status in requests
        )
    )
    call_command("import_events", str(path), "--source", "edge")
    assert numbers("app/web") == (2, 1, 1)

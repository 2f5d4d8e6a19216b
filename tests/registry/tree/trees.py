"""A disk tree of a test's own, kept by its consumer from the log, and what is in it."""

from pathlib import Path

from django.db import connection

from notifications.log import leases
from notifications.log.consume import Feed, Head, open_feed
from registryhub.oci.digests import digest_of, parse_digest
from registryhub.registry.tree.consumers import consumers, keep_up
from registryhub.registry.tree.disk import Tree
from registryhub.storage.base import StorageDriver
from tests.notifications.log.making import sequence_all

BLOBS = "docker/registry/v2/blobs"
REPOSITORIES = "docker/registry/v2/repositories"


def follow(driver: StorageDriver) -> int:
    """Let the consumer come to the end of the log; its position then."""
    sequence_all()
    head = Head()
    head.reach(log_head())
    feed = taken(head)
    while feed.position < head.position:
        keep_up(feed, Tree(driver))
    leases.release(feed.lease)
    return feed.position


def taken(head: Head) -> Feed:
    """The place of the consumer, which must be free."""
    (consumer,) = consumers()
    feed = open_feed(consumer, holder="test", head=head)
    assert feed is not None
    return feed


def log_head() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT position FROM log_loghead WHERE id = 1")
        return int(cursor.fetchone()[0])


def files(root: Path, *, below: str = "") -> dict[str, bytes]:
    """Every file of the tree but those of unfinished uploads, by its path under `below`."""
    top = root / below
    found = {path.relative_to(top).as_posix(): path.read_bytes() for path in top.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if "/_uploads/" not in f"/{name}"}


def layer(repository: str, digest: str) -> str:
    return f"{repository}/_layers/{_folder(digest)}/link"


def revision(repository: str, digest: str) -> str:
    return f"{repository}/_manifests/revisions/{_folder(digest)}/link"


def current(repository: str, tag: str) -> str:
    return f"{repository}/_manifests/tags/{tag}/current/link"


def indexed(repository: str, tag: str, digest: str) -> str:
    return f"{repository}/_manifests/tags/{tag}/index/{_folder(digest)}/link"


def data(digest: str) -> str:
    found = parse_digest(digest)
    return f"{found.algorithm}/{found.hex[:2]}/{found.hex}/data"


def digest_text(content: bytes) -> str:
    return str(digest_of(content))


def _folder(digest: str) -> str:
    return digest.replace(":", "/")

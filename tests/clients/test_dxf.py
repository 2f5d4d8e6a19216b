"""python-dxf, which keeps files in a registry: every verb it has."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from dxf import DXF, DXFBase
from requests import HTTPError

from tests.servers.hub import Hub

REPOSITORY = "clients/dxf"


@pytest.fixture
def client(hub: Hub) -> Iterator[DXF]:
    with DXF(hub.host, REPOSITORY, insecure=True) as client:
        yield client


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def pull(client: DXF, digest: str) -> bytes:
    return b"".join(client.pull_blob(digest))  # type: ignore[arg-type]


def test_files_are_pushed_under_an_alias_and_pulled_again(client: DXF, tmp_path: Path) -> None:
    """From a file and in pieces; once pushed they are not sent again."""
    (tmp_path / "file").write_bytes(b"a file" * 100_000)
    first = client.push_blob(str(tmp_path / "file"))
    second = client.push_blob(data=iter([b"in ", b"pieces"]), digest=digest_of(b"in pieces"))
    client.set_alias("both", first, second)

    assert client.push_blob(str(tmp_path / "file")) == first
    assert client.get_alias("both") == [first, second]
    assert client.get_alias("both", sizes=True) == [(first, 600_000), (second, 9)]
    assert pull(client, first) == b"a file" * 100_000
    assert pull(client, second) == b"in pieces"
    assert client.blob_size(second) == 9
    assert client.get_digest("both") == first
    assert client.api_version_check()[1].headers["Docker-Distribution-Api-Version"] == "registry/2.0"


def test_aliases_and_repositories_are_listed_page_by_page(client: DXF, hub: Hub) -> None:
    """Whatever a page holds, all of them come, once, in order."""
    digest = client.push_blob(data=iter([b"listed"]), digest=digest_of(b"listed"))
    with DXF(hub.host, f"{REPOSITORY}-listed", insecure=True) as other:
        other.mount_blob(REPOSITORY, digest)
        for number in range(5):
            other.set_alias(f"v{number}", digest)
        assert other.list_aliases(batch_size=2) == other.list_aliases() == ["v0", "v1", "v2", "v3", "v4"]
    client.set_alias("listed", digest)
    with DXFBase(hub.host, insecure=True) as base:
        found = base.list_repos(batch_size=1)
    assert sorted(found) == found
    assert {REPOSITORY, f"{REPOSITORY}-listed"} <= set(found)


def test_a_blob_is_mounted_where_another_repository_has_it(client: DXF, hub: Hub) -> None:
    """Without a byte sent."""
    digest = client.push_blob(data=iter([b"mounted"]), digest=digest_of(b"mounted"))
    with DXF(hub.host, f"{REPOSITORY}-second", insecure=True) as second:
        assert second.mount_blob(REPOSITORY, digest) == digest
        assert pull(second, digest) == b"mounted"


def test_what_is_deleted_is_gone(client: DXF) -> None:
    """An alias with its manifest, then the blob."""
    digest = client.push_blob(data=iter([b"gone"]), digest=digest_of(b"gone"))
    client.set_alias("gone", digest)
    assert client.del_alias("gone") == [digest]
    assert "gone" not in client.list_aliases()
    client.del_blob(digest)
    for ask in (lambda: client.get_alias("gone"), lambda: client.blob_size(digest)):
        with pytest.raises(HTTPError, match="404"):
            ask()

"""oras-py: artifacts of files, one attached to another, found as its referrer."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from oras.client import OrasClient
from oras.oci import Subject

from tests.servers.hub import Hub

REPOSITORY = "clients/oras"
SIGNATURE = "application/vnd.example.signature+text"


@pytest.fixture
def client(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OrasClient:
    """In a folder of its own: it takes nothing from outside the current one, and no credentials from the home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return OrasClient(hostname=hub.host, insecure=True)


def push(client: OrasClient, hub: Hub, tag: str, files: dict[str, str], **more: Any) -> Subject:
    """Push the texts as files; what another artifact can be attached to."""
    for name, text in files.items():
        Path(name).write_text(text)
    reply = client.push(f"{hub.host}/{REPOSITORY}:{tag}", files=list(files), quiet=True, **more)
    assert reply.status_code == 201
    kind = reply.request.headers["Content-Type"]
    return Subject(kind, reply.headers["Docker-Content-Digest"], len(reply.request.body))


def referrers(client: OrasClient, hub: Hub, subject: Subject, **query: str) -> list[dict[str, Any]]:
    """Asked by oras's own session: it has no verb for it."""
    reply = client.do_request(f"{hub.url}/v2/{REPOSITORY}/referrers/{subject.digest}?{urlencode(query)}")
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/vnd.oci.image.index.v1+json")
    found: list[dict[str, Any]] = reply.json()["manifests"]
    return found


@pytest.mark.parametrize("is_chunked", [False, True])
def test_files_are_pushed_and_pulled(client: OrasClient, hub: Hub, is_chunked: bool) -> None:
    """In one piece, or in chunks that say their range."""
    files = {"one.txt": "first" * 1000, "two.txt": f"second {is_chunked}"}
    push(client, hub, f"files-{is_chunked}", files, do_chunked=is_chunked, chunk_size=1500)
    found = client.pull(f"{hub.host}/{REPOSITORY}:files-{is_chunked}", outdir="out")
    assert {Path(path).name: Path(path).read_text() for path in found} == files


def test_a_folder_is_pushed_and_pulled(client: OrasClient, hub: Hub, tmp_path: Path) -> None:
    """As an archive."""
    Path("folder/inner").mkdir(parents=True)
    Path("folder/inner/text").write_text("inside")
    client.push(f"{hub.host}/{REPOSITORY}:folder", files=["folder"], quiet=True)
    client.pull(f"{hub.host}/{REPOSITORY}:folder", outdir="out")
    assert (tmp_path / "out" / "folder" / "inner" / "text").read_text() == "inside"


def test_an_artifact_is_attached_to_another(client: OrasClient, hub: Hub) -> None:
    """It is found as its referrer, by its type, and no more when it is deleted."""
    subject = push(client, hub, "subject", {"data.txt": "what is signed"})
    assert referrers(client, hub, subject) == []
    Path("config.json").write_text("{}")
    more = {"subject": subject, "manifest_config": f"config.json:{SIGNATURE}", "manifest_annotations": {"by": "oras"}}
    signature = push(client, hub, "signature", {"signature.txt": "signed"}, **more)

    (found,) = referrers(client, hub, subject)
    assert (found["digest"], found["size"]) == (signature.digest, signature.size)
    assert (found["artifactType"], found["annotations"]) == (SIGNATURE, {"by": "oras"})
    assert referrers(client, hub, subject, artifactType=SIGNATURE) == [found]
    assert referrers(client, hub, subject, artifactType="application/vnd.example.sbom") == []

    assert client.delete_tag(f"{hub.host}/{REPOSITORY}", "signature")
    assert referrers(client, hub, subject) == []


def test_tags_are_listed_and_deleted(client: OrasClient, hub: Hub) -> None:
    """Also page by page."""
    for number in range(3):
        push(client, hub, f"listed-{number}", {"text": f"number {number}"})
    container = f"{hub.host}/{REPOSITORY}"
    assert client.delete_tag(container, "listed-1")
    assert not client.delete_tag(container, "listed-1")
    found = client.get_tags(container)
    assert {"listed-0", "listed-2"} <= set(found)
    assert "listed-1" not in found
    assert client.get_tags(container, N=1) == found[:1]

"""Who is told from real user agents, and that no text is too odd to be answered."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifications.analytics.clients import MOST_CHARACTERS, NONE, OTHER, TABLE, Client, recognise

pytestmark = pytest.mark.only_database("sqlite")

MOBY = "docker/24.0.7 go/go1.20.10 git-commit/311b9ff kernel/5.15.0-89-generic os/linux arch/amd64"

SAMPLES = {
    # engines
    f"{MOBY} UpstreamClient(Docker-Client/24.0.7 \\(linux\\))": Client("docker", "unknown", "linux/amd64"),
    "docker/20.10.21 go/go1.18.7 git-commit/3056208 kernel/5.15.49-linuxkit os/linux arch/arm64 UpstreamClient(buf)": (
        Client("docker", "unknown", "linux/arm64")
    ),
    "docker/19.03.5 go/go1.12.12 git-commit/633a0ea838 kernel/10.0 17763 os/windows arch/amd64": (
        Client("docker", "unknown", "windows/amd64")
    ),
    "docker/18.09 go/go1.10.8 git-commit/6247962 kernel/4.19.66-v7+ os/linux arch/arm": (
        Client("docker", "unknown", "linux/arm")
    ),
    "Docker-Client/24.0.7 (darwin)": Client("docker", "unknown", ""),
    "containerd/1.6.21+unknown": Client("containerd", "unknown", ""),
    "containerd/v1.7.11-k3s2": Client("containerd", "unknown", ""),
    "cri-o/1.28.2 go/go1.20.10 os/linux arch/ppc64le": Client("cri-o", "unknown", "linux/ppc64le"),
    "buildkit/v0.12": Client("buildkit", "unknown", ""),
    "libpod/4.9.3": Client("podman", "unknown", ""),
    "Buildah/1.33.2": Client("buildah", "unknown", ""),
    "skopeo/1.14.0": Client("skopeo", "unknown", ""),
    "bootc/1.6 skopeo/1.19.0": Client("bootc", "unknown", ""),
    "containers/5.29.0 (github.com/containers/image)": Client("containers-image", "unknown", ""),
    "Singularity/3.8.7 (Linux amd64) Go/1.16.15": Client("singularity", "unknown", "linux/amd64"),
    "Apptainer/1.2.5 (Linux arm64) Go/1.20.12": Client("apptainer", "unknown", "linux/arm64"),
    # tools
    "crane/v0.19.0 go-containerregistry/v0.19.0": Client("crane", "unknown", ""),
    "go-containerregistry/v0.15.2": Client("go-containerregistry", "unknown", ""),
    "cosign/v2.2.3 (linux; amd64) go-containerregistry/v0.19.0": Client("cosign", "unknown", "linux/amd64"),
    "oras/1.1.0": Client("oras", "unknown", ""),
    "regclient/regctl (v0.5.7)": Client("regctl", "unknown", ""),
    "regclient/regclient": Client("regclient", "unknown", ""),
    "Helm/3.14.0": Client("helm", "unknown", ""),
    "flux/v2 go-containerregistry": Client("flux", "unknown", ""),
    "jib 2.1.1-SNAPSHOT jib-maven-plugin Google-HTTP-Java-Client/1.34.0 (gzip)": Client("jib", "unknown", ""),
    "dxf/11.0.0": Client("dxf", "unknown", ""),
    # pipelines
    "kaniko/v1.9.1": Client("kaniko", "ci", ""),
    "kaniko/v1.0.0,skaffold/v1.20.0": Client("kaniko", "ci", ""),
    f"{MOBY} UpstreamClient(gitlab-runner 16.6.1 \\(16-6-stable; go1.20; linux/amd64\\))": (
        Client("gitlab-runner", "ci", "linux/amd64")
    ),
    # those that only look
    "trivy/0.53.0 go-containerregistry": Client("trivy", "scanner", ""),
    "Watchtower/v1.7.1": Client("watchtower", "scanner", ""),
    "diun/4.26.0 go/1.21.5 Linux": Client("diun", "scanner", ""),
    "RenovateBot/37.387.2 (https://github.com/renovatebot/renovate)": Client("renovate", "scanner", ""),
    "dependabot-core/0.240.0 excon/0.104.0 ruby/3.1.4 (x86_64-linux) (+https://github.com/dependabot)": (
        Client("dependabot", "scanner", "")
    ),
    "portieris": Client("portieris", "scanner", ""),
    # registries
    "harbor-registry-client": Client("harbor", "mirror", ""),
    "harbor-replication-service": Client("harbor", "mirror", ""),
    "Artifactory/7.59.8 75908900": Client("artifactory", "mirror", ""),
    "Nexus/3.60.0-01 (PRO; Linux; 5.10; amd64; 1.8.0_352)": Client("nexus", "mirror", ""),
    "regclient/regsync (v0.5.7)": Client("regsync", "mirror", ""),
    # this hub
    "RegistryHub/1.0": Client("registryhub", "internal", ""),
    # whatever speaks HTTP
    "curl/7.88.1": Client("curl", "unknown", ""),
    "Wget/1.21.3": Client("wget", "unknown", ""),
    "Go-http-client/1.1": Client("go", "unknown", ""),
    "python-requests/2.31.0": Client("python", "unknown", ""),
    "Python/3.11 aiohttp/3.9.1": Client("python", "unknown", ""),
    "Apache-HttpClient/4.5.3 (Java/1.8.0_292)": Client("java", "unknown", ""),
    "axios/1.6.2": Client("node", "unknown", ""),
    "Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.19045; en-US) PowerShell/7.2.1": (
        Client("powershell", "unknown", "")
    ),
    "Mozilla/5.0 (X11; Linux x86_64; rv:121.0) Gecko/20100101 Firefox/121.0": Client("browser", "unknown", ""),
    # nobody
    "": Client(NONE, "unknown", ""),
    "  ": Client(NONE, "unknown", ""),
    "stranger/1.0": Client(OTHER, "unknown", ""),
    "-": Client(OTHER, "unknown", ""),
}


@pytest.mark.parametrize(("user_agent", "client"), SAMPLES.items())
def test_real_user_agents_are_recognised(user_agent: str, client: Client) -> None:
    """Those of the programs themselves, as they stand in logs."""
    assert recognise(user_agent) == client


@pytest.mark.parametrize(
    "user_agent",
    [
        "my-trivy-like/1.0",
        "trivy-agent-lab/2",
        "shop/1.0 (compatible; trivy/0.53.0)",
        "shop/1.0 (like trivy (trivy/0.5) trivy/0.6)",
        "shop for trivy and kaniko",
        "1.0/trivy",
        "trivy-/1.0",
    ],
)
def test_a_word_that_only_contains_or_mentions_a_name_is_none(user_agent: str) -> None:
    """Products are looked up whole, and neither in remarks nor in talk."""
    assert recognise(user_agent).audience == "unknown"


def test_case_and_place_do_not_matter() -> None:
    """The line of the table decides, not who is named first."""
    assert recognise("go-containerregistry/v0.19 CRANE/v0.19").family == "crane"
    assert recognise("TRIVY/1").family == recognise("lib/2 trivy/1").family == "trivy"


@pytest.mark.parametrize("upstream", ["trivy/0.53.0", "Watchtower/v1.7.1", "RegistryHub/1.0", "harbor-registry-client"])
def test_an_engine_that_is_told_to_pull_pulls(upstream: str) -> None:
    """The image lands on its machine, whoever told it to; only a pipeline makes a difference."""
    assert recognise(f"{MOBY} UpstreamClient({upstream})") == Client("docker", "unknown", "linux/amd64")


def test_the_platform_of_a_machine_without_containers_is_none() -> None:
    """A laptop fetches images for something else than itself."""
    assert recognise("cosign/v2.2.3 (darwin; arm64)").platform == ""
    assert recognise("docker/24 os/plan9 arch/amd64").platform == ""
    assert recognise("docker/24 os/linux arch/z80").platform == ""
    assert recognise("tool/1 (Linux aarch64)").platform == "linux/arm64"
    assert recognise("tool/1 (linux/armv7l)").platform == "linux/arm/v7"


def test_the_table_names_each_product_once() -> None:
    """A second line with the same product would never be reached; names are short and plain."""
    products = [product for line in TABLE for product in line.products.split()]
    assert len(products) == len(set(products))
    assert products == [product.lower() for product in products]
    assert len({line.family for line in TABLE}) == len(TABLE)
    assert all(re.fullmatch(r"[a-z0-9-]{1,32}", family) for family in {line.family for line in TABLE} | {OTHER, NONE})


def test_each_line_is_reached_by_each_of_its_products() -> None:
    """No line is hidden by those above it."""
    for line in TABLE:
        for product in line.products.split():
            text = product if "/" in product else f"{product}/1.0"
            assert recognise(text) == Client(line.family, line.audience, "")


PIECES = st.sampled_from(
    [*SAMPLES, "(", ")", "\\", "UpstreamClient(", "/", "os/linux", "arch/arm", "\x00", "\ud800", " "]
)


@given(st.one_of(st.text(max_size=600), st.lists(PIECES, max_size=12).map("".join)))
def test_any_text_is_a_client_within_limits(user_agent: str) -> None:
    """Nothing raises; the families are those of the table, so nobody can make up more of them."""
    found = recognise(user_agent)
    assert found.family in {line.family for line in TABLE} | {OTHER, NONE}
    assert found.audience in {"unknown", "ci", "scanner", "mirror", "internal"}
    assert re.fullmatch(r"|(linux|windows|freebsd)/[a-z0-9_/]{2,9}", found.platform)


@pytest.mark.parametrize("text", ["(" * 100_000, "UpstreamClient(" * 10_000, "\\" * 100_000, "a/" * 50_000])
def test_a_long_text_is_read_to_its_limit(text: str) -> None:
    """What stands behind is not looked at."""
    assert recognise(text + " trivy/1.0") == recognise(text[:MOST_CHARACTERS])

"""Who asks, told from the user agent. Pure; part of the counting rules (docs/counting.md).

A user agent is a list of products (RFC 9110 §10.1.5): `name/version`, with remarks in brackets. Whole products are
looked up, never parts of words, in one table that is read from the top: the first line wins that names a product of the
user agent. A user agent can say anything; who lies only takes their own pulls out of the count, or into it.

What is told apart are audiences. Programs that people start on their own machines are never "ci", although pipelines
start them too (docker, buildkit, buildah, ko, jib): nobody can tell. Those that merely look whether there is something
new, or whether it is signed, are "scanner" like those that look for holes: they fetch manifests by the hour and run
nothing, so they would drown whoever does. "mirror" are registries that keep copies: whom they serve, they know alone.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

Audience = Literal["unknown", "ci", "scanner", "mirror", "internal", "deploy"]

MOST_CHARACTERS = 512
"""Nothing behind them is read."""

OTHER, NONE = "other", "none"
"""The families of those that the table does not know, and of those that say nothing."""


@dataclass(frozen=True, slots=True)
class Client:
    """`platform` is that of the machine, as docker writes it (linux/arm/v7); empty when the user agent does not say.

    "deploy" is no matter of the user agent: it is told by the label of a roll-out.
    """

    family: str
    audience: Audience
    platform: str


class Line(NamedTuple):
    """Products in lower case, separated by spaces, some with the version that is meant; and who that is."""

    products: str
    family: str
    audience: Audience


TABLE: tuple[Line, ...] = (
    # this hub: webhooks and calls of the deployer
    Line("registryhub", "registryhub", "internal"),
    # what runs in pipelines alone
    Line("kaniko", "kaniko", "ci"),
    Line("makisu", "makisu", "ci"),
    Line("gitlab-runner", "gitlab-runner", "ci"),
    Line("jenkins", "jenkins", "ci"),
    Line("tekton tekton-pipelines tekton-chains", "tekton", "ci"),
    Line("drone", "drone", "ci"),
    Line("woodpecker", "woodpecker", "ci"),
    Line("buildkite-agent", "buildkite", "ci"),
    Line("openbuildservice", "openbuildservice", "ci"),
    # what looks for holes, licences and secrets
    Line("trivy trivy-operator harbor-scanner-trivy", "trivy", "scanner"),
    Line("clair claircore", "clair", "scanner"),
    Line("grype", "grype", "scanner"),
    Line("syft stereoscope", "syft", "scanner"),
    Line("anchore anchore-engine anchore-enterprise anchorectl", "anchore", "scanner"),
    Line("snyk snyk-docker-registry-client", "snyk", "scanner"),
    Line("aqua aquasec scannercli", "aqua", "scanner"),
    Line("neuvector", "neuvector", "scanner"),
    Line("xray jfrog-xray", "xray", "scanner"),
    Line("docker-scout", "docker-scout", "scanner"),
    Line("twistlock twistcli prisma-cloud", "prisma-cloud", "scanner"),
    Line("wiz wizcli", "wiz", "scanner"),
    Line("sysdig sysdig-cli-scanner", "sysdig", "scanner"),
    Line("kubescape", "kubescape", "scanner"),
    Line("osv-scanner", "osv-scanner", "scanner"),
    Line("dockle", "dockle", "scanner"),
    # what looks whether images are signed, or there
    Line("kyverno", "kyverno", "scanner"),
    Line("policy-controller", "policy-controller", "scanner"),
    Line("connaisseur", "connaisseur", "scanner"),
    Line("portieris", "portieris", "scanner"),
    Line("ratify", "ratify", "scanner"),
    Line("k8s-image-availability-exporter", "image-exporter", "scanner"),
    # what looks whether there is something new
    Line("watchtower", "watchtower", "scanner"),
    Line("diun", "diun", "scanner"),
    Line("wud whats-up-docker", "wud", "scanner"),
    Line("drydock", "drydock", "scanner"),
    Line("keel", "keel", "scanner"),
    Line("renovatebot renovate", "renovate", "scanner"),
    Line("dependabot dependabot-core", "dependabot", "scanner"),
    Line("argocd-image-updater", "argocd-image-updater", "scanner"),
    Line("image-reflector-controller", "flux-image-reflector", "scanner"),
    # registries and what copies between them
    Line("harbor-registry-client harbor-replication-service harbor", "harbor", "mirror"),
    Line("artifactory", "artifactory", "mirror"),
    Line("nexus", "nexus", "mirror"),
    Line("zot", "zot", "mirror"),
    Line("distribution docker-distribution", "distribution", "mirror"),
    Line("pulpcore pulp", "pulp", "mirror"),
    Line("dragonfly dfdaemon dfget", "dragonfly", "mirror"),
    Line("spegel", "spegel", "mirror"),
    Line("kraken", "kraken", "mirror"),
    Line("regclient/regsync regsync", "regsync", "mirror"),
    Line("image-syncer", "image-syncer", "mirror"),
    Line("oc-mirror", "oc-mirror", "mirror"),
    # tools, before the engines and libraries whose names they add to their own
    Line("cosign", "cosign", "unknown"),
    Line("notation", "notation", "unknown"),
    Line("ko", "ko", "unknown"),
    Line("jib", "jib", "unknown"),
    Line("skaffold", "skaffold", "unknown"),
    Line("helm", "helm", "unknown"),
    Line("flux", "flux", "unknown"),
    Line("argocd argo-cd", "argocd", "unknown"),
    Line("zarf", "zarf", "unknown"),
    Line("oras oras-go oras-py", "oras", "unknown"),
    Line("regclient/regctl regctl", "regctl", "unknown"),
    Line("crane gcrane krane", "crane", "unknown"),
    Line("nerdctl", "nerdctl", "unknown"),
    Line("bootc", "bootc", "unknown"),
    Line("skopeo", "skopeo", "unknown"),
    Line("buildah", "buildah", "unknown"),
    Line("libpod podman", "podman", "unknown"),
    # engines
    Line("cri-o", "cri-o", "unknown"),
    Line("buildkit", "buildkit", "unknown"),
    Line("containerd", "containerd", "unknown"),
    Line("docker docker-client", "docker", "unknown"),
    Line("apptainer", "apptainer", "unknown"),
    Line("singularity", "singularity", "unknown"),
    Line("umoci", "umoci", "unknown"),
    # libraries for registries
    Line("containers", "containers-image", "unknown"),
    Line("go-containerregistry", "go-containerregistry", "unknown"),
    Line("regclient", "regclient", "unknown"),
    Line("dxf python-dxf", "dxf", "unknown"),
    # whatever speaks HTTP
    Line("curl", "curl", "unknown"),
    Line("wget", "wget", "unknown"),
    Line("httpie", "httpie", "unknown"),
    Line("powershell windowspowershell", "powershell", "unknown"),
    Line("python-requests python-urllib python-httpx aiohttp urllib3 python-urllib3", "python", "unknown"),
    Line("go-http-client", "go", "unknown"),
    Line("java java-http-client apache-httpclient okhttp google-http-java-client", "java", "unknown"),
    Line("node node-fetch axios undici got needle", "node", "unknown"),
    Line("reqwest oci-client", "rust", "unknown"),
    Line("ruby faraday rest-client excon", "ruby", "unknown"),
    Line("mozilla", "browser", "unknown"),
)

_PLACES = {product: place for place, line in reversed(list(enumerate(TABLE))) for product in line.products.split()}

# Of an engine: who told it to pull. It writes brackets of theirs with a backslash.
_UPSTREAM = re.compile(r"\bUpstreamClient\(((?:[^()\\]|\\.)*)\)?", re.DOTALL)
_PIECE = re.compile(r"\\.?|[()]|[^()\\]+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_BETWEEN = re.compile(r"[\s,;]+")

_SYSTEMS = frozenset(("linux", "windows", "freebsd"))
"""Those that containers run on: the platform of a laptop is not that of the image."""

_GO_MACHINES = ("amd64", "arm64", "arm", "386", "ppc64le", "s390x", "riscv64", "loong64", "mips64le")
_MACHINES = {
    **{machine: machine for machine in _GO_MACHINES},
    "x86_64": "amd64",
    "aarch64": "arm64",
    "i386": "386",
    "i686": "386",
    "armv7l": "arm/v7",
    "armv6l": "arm/v6",
}


@lru_cache(maxsize=4096)
def recognise(user_agent: str) -> Client:
    """The client of a request; of any text whatever, in linear time."""
    text = user_agent[:MOST_CHARACTERS].strip()
    if not text:
        return Client(NONE, "unknown", "")
    upstream = _UPSTREAM.search(text)
    outside, remarks = _take_apart(_UPSTREAM.sub("", text))
    products = _products(outside)
    places = _find_places(products)
    if upstream:
        places += _find_pipelines(_take_apart(_ESCAPED.sub(r"\1", upstream[1]))[0])
    if not places:
        return Client(OTHER, "unknown", _platform(products, remarks))
    line = TABLE[min(places)]
    return Client(line.family, line.audience, _platform(products, remarks))


def _take_apart(text: str) -> tuple[str, list[str]]:
    """What stands outside of all brackets, and what in each of the outermost."""
    outside: list[str] = []
    remarks: list[list[str]] = []
    depth = 0
    for piece in _PIECE.findall(text):
        if piece == "(":
            depth += 1
            if depth == 1:
                outside.append(" ")
                remarks.append([])
        elif piece == ")":
            depth = max(depth - 1, 0)
        elif depth:
            remarks[-1].append(piece)
        else:
            outside.append(piece)
    return "".join(outside), ["".join(remark) for remark in remarks]


def _products(outside: str) -> dict[str, str]:
    """Versions by names. A word without a version is a product if it is the first; else it is talk."""
    words = [word.lower() for word in _BETWEEN.split(outside) if word]
    found: dict[str, str] = {}
    for number, word in enumerate(words):
        name, slash, version = word.partition("/")
        if slash or number == 0:
            found.setdefault(name, version)
    return found


def _find_places(products: dict[str, str]) -> list[int]:
    named = [*products, *(f"{name}/{version}" for name, version in products.items())]
    return [_PLACES[name] for name in named if name in _PLACES]


def _find_pipelines(upstream: str) -> list[int]:
    """Whoever tells an engine to pull wants to have the image: only whether they are a pipeline makes a difference."""
    return [place for place in _find_places(_products(upstream)) if TABLE[place].audience == "ci"]


def _platform(products: dict[str, str], remarks: list[str]) -> str:
    """As engines say it (os/linux arch/amd64), or tools in a remark of two words: (Linux amd64), (linux; amd64)."""
    said = [(products.get("os", ""), products.get("arch", ""))]
    said += [(words[0], words[1]) for remark in remarks if len(words := re.split(r"[\s;/]+", remark.lower())) == 2]
    for system, machine in said:
        if system in _SYSTEMS and machine in _MACHINES:
            return f"{system}/{_MACHINES[machine]}"
    return ""

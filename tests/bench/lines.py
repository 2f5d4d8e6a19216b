"""The table of goals: what is measured, beside what, and how good it must be."""

from tests.bench import blobs, boards, collecting, ingest, manifests, many, pushes, webhooks
from tests.bench.measure import Line
from tests.servers.databases import Kind


def _both(goal: float) -> dict[Kind, float]:
    return {"sqlite": goal, "postgres": goal}


_PULLS: dict[Kind, float] = {"sqlite": 8, "postgres": 4}

LINES = (
    Line("manifest-tag", "manifest GET by tag, 16 connections", "/s", "docker-registry", "at least", _PULLS,
         manifests.by_tag),
    Line("manifest-digest", "manifest GET by digest", "/s", "docker-registry", "at least", _PULLS,
         manifests.by_digest),
    Line("steps", "manifest GET by tag, in the process", "µs", "nothing", "at most", {"sqlite": 50, "postgres": 150},
         manifests.steps),
    Line("blob-get", "blob GET 512 MiB", "MiB/s", "docker-registry", "at least", _both(1.2), blobs.get),
    Line("blob-push", "blob PATCH + PUT 512 MiB", "MiB/s", "docker-registry", "at least", _both(2), blobs.push),
    Line("small-images", "small images pushed, 8 clients", "/s", "docker-registry", "at least", _both(1.5),
         pushes.small_images),
    Line("push-under-pulls", "push p99 under full pull load", "ms", "hub at rest", "at most", _both(4),
         pushes.under_pull_load),
    Line("push-under-backlog", "push p99 over 200,000 waiting events", "ms", "hub at rest", "at most", _both(4),
         pushes.under_backlog),
    Line("webhooks", "webhook sending, 20,000 queued events", "/s", "docker-registry", "at least", _both(2.5),
         webhooks.single),
    Line("webhooks-batch", "the same in batches of 100", "/s", "docker-registry", "at least", _both(20),
         webhooks.batched),
    Line("webhook-latency", "push to delivered, 200 pushes a second", "ms", "nothing", "at most", _both(250),
         webhooks.latency),
    Line("htpasswd", "htpasswd manifest GET, bcrypt cost 10", "/s", "docker-registry", "at least", _both(50),
         manifests.with_password),
    Line("memory", "peak memory of a web process, 2 GiB blob", "MiB", "nothing", "at most", _both(200),
         blobs.peak_memory),
    Line("catalog", "page of the catalog, 100,000 repositories", "ms", "few of them", "at most", _both(2),
         many.catalog),
    Line("tags", "page of tags, 1,000,000 tags", "ms", "few of them", "at most", _both(2), many.tags),
    Line("referrers", "page of referrers, 100,000 of them", "ms", "few of them", "at most", _both(2),
         many.referrers),
    Line("collect", "garbage collection, 20,000 small blobs", "/s", "docker-registry", "at least", _both(0.5),
         collecting.rate),
    Line("ingest", "events counted, 2,000,000 waiting", "/s", "shortest way", "at least", _both(0.5), ingest.rate),
    Line("delete", "delete by digest, 1,000,000 tags", "ms", "few of them", "at most", _both(2), many.delete),
    Line("boards", "boards, series and lists, 20,000,000 events", "ms", "nothing", "at most", _both(50),
         boards.answers),
)  # fmt: skip

"""Which images of this hub services run, or are about to: the registry asks before it removes one."""

from collections.abc import Collection

from deployer.models import Deployment, Service
from registryhub.access.models import HUB_SOURCE_ID

_State = Deployment.State
_DOES: dict[str, str] = {
    _State.WAITING: "waits to deploy it",
    _State.ROLLING: "is rolling it out",
    _State.UNDOING: "is rolling back from it",
}
_RUNS = "runs it"


def running(repository: str, digests: Collection[str]) -> dict[str, str]:
    """For settings.DIGEST_GUARDS: the version that a service runs, which is also what an unfinished deployment would go
    back to, and the version that one is about.
    """
    ours = Deployment.objects.filter(source_id=HUB_SOURCE_ID, repository=repository)
    current = ours.filter(pk__in=Service.objects.exclude(current=None).values("current_id"))
    found = current.union(ours.filter(finished_at=None)).values_list("digest", "service__name", "state")
    wanted = frozenset(digests)
    reasons: dict[str, str] = {}
    for digest, service, state in sorted(found, key=lambda row: (row[2] in _DOES, row[1])):
        if digest in wanted:
            reasons.setdefault(digest, f"service {service} {_DOES.get(state, _RUNS)}")
    return reasons

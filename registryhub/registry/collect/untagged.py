"""Manifests without a tag go when that is asked for, once it has been so for long enough.

One stays as long as somebody may need it: an index of its repository, the subject it is attached to, a service that
runs it. Repositories in which nothing has a tag are used by digest, and are left alone.
"""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter

from django.db import DatabaseError
from django.db.models import Exists, OuterRef, Q, QuerySet

from notifications.events import new_id
from registryhub.access.models import HUB_SOURCE_ID
from registryhub.registry import rows
from registryhub.registry.announce import RequestContext
from registryhub.registry.collect.ids import listed
from registryhub.registry.collect.runs import Counts, Run
from registryhub.registry.collect.windows import windows
from registryhub.registry.guards import in_use
from registryhub.registry.models import Manifest, ManifestReference, Tag
from registryhub.version import VERSION

AGENT = "registryhub-collector"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A manifest that nothing in the registry needs."""

    id: int
    repository_id: int
    repository: str
    digest: str
    touched_at: datetime


def remove_untagged(run: Run) -> None:
    """Each in a transaction of its own, then at once what only that one needed: children, and what is attached."""
    if run.untagged_cutoff() is None:
        return
    for window in windows(run, Manifest):
        found = _candidates(run, Manifest.objects.filter(**window))
        due = _due(run, found)
        waiting = len(found) - len(due)
        while due:
            freed = [each for item in _without_used(run, due) for each in _remove(run, item)]
            due = list({each.id: each for each in freed}.values())
        run.count(waiting=waiting)


def _due(run: Run, candidates: Iterable[Candidate]) -> list[Candidate]:
    cutoff = run.untagged_cutoff()
    return [each for each in candidates if cutoff is not None and each.touched_at <= cutoff]


def _candidates(run: Run, manifests: QuerySet[Manifest]) -> list[Candidate]:
    """Those that no tag, no index and no subject keeps; what a dry run would have removed keeps nothing."""
    of_repository = {"repository_id": OuterRef("repository_id")}
    parents = ManifestReference.objects.filter(**of_repository, digest=OuterRef("digest"))
    subjects = Manifest.objects.filter(**of_repository, digest=OuterRef("subject"))
    if run.would_remove:
        manifests = manifests.exclude(pk__in=listed(run.would_remove))
        subjects = subjects.exclude(pk__in=listed(run.would_remove))
        if not run.collection.untagged_seconds:
            parents = parents.exclude(manifest_id__in=listed(run.would_remove))
    free = manifests.filter(
        ~Exists(Tag.objects.filter(manifest=OuterRef("pk"))),
        ~Exists(parents),
        Exists(Tag.objects.filter(**of_repository)),
        Q(subject="") | ~Exists(subjects),
        repository__source_id=HUB_SOURCE_ID,
    )
    columns = free.order_by("pk").values_list("pk", "repository_id", "repository__name", "digest", "touched_at")
    return [Candidate(*row) for row in columns]


def _without_used(run: Run, candidates: Iterable[Candidate]) -> list[Candidate]:
    free: list[Candidate] = []
    for repository, group in groupby(sorted(candidates, key=attrgetter("repository")), attrgetter("repository")):
        of_repository = list(group)
        used = _used(repository, [each.digest for each in of_repository])
        if used is None:
            run.count(skipped=len(of_repository))
        else:
            free += [each for each in of_repository if each.digest not in used]
    return free


def _used(repository: str, digests: Collection[str]) -> Collection[str] | None:
    """Those that are needed outside the registry; None when nobody can say, and then none may go."""
    try:
        return in_use(repository, digests).keys()
    except DatabaseError:
        raise
    except Exception as error:  # guards are other parts' code
        _logger.warning("manifests of %s stay, nobody can say whether they are in use: %s", repository, error)
        return None


def _remove(run: Run, candidate: Candidate) -> list[Candidate]:
    """Returns what may go now that this one is gone."""
    needed = _needed_by(candidate)
    if run.is_dry:
        run.would_remove.add(candidate.id)
        run.count(manifests=1)
    elif not run.step(partial(_remove_row, run, candidate)).manifests:
        return []
    run.listener.manifest(candidate.repository, candidate.digest)
    return _due(run, _candidates(run, Manifest.objects.filter(pk__in=listed(needed)))) if needed else []


def _needed_by(candidate: Candidate) -> list[int]:
    """Its children, if it is an index, and what is attached to it."""
    of_repository = Manifest.objects.filter(repository_id=candidate.repository_id)
    references = ManifestReference.objects.filter(manifest_id=candidate.id).values("digest")
    attached = of_repository.filter(~Q(subject=""), subject=candidate.digest)
    children = of_repository.filter(digest__in=references)
    return [*children.values_list("pk", flat=True), *attached.values_list("pk", flat=True)]


def _remove_row(run: Run, candidate: Candidate) -> Counts:
    """Everything is asked again once the row is held: then no push can come to need it."""
    manifest = rows.lock(candidate.repository, candidate.digest)
    if manifest is None or not _due(run, _candidates(run, Manifest.objects.filter(pk=manifest.id))):
        return Counts()
    used = _used(candidate.repository, [candidate.digest])
    if used is None or used:
        return Counts(skipped=int(used is None))
    rows.remove(_context(), candidate.repository, manifest)
    return Counts(manifests=1)


def _context() -> RequestContext:
    """Nobody asked: the events say that the collector did it."""
    return RequestContext(
        request_id=new_id(),
        address="",
        host="",
        method="DELETE",
        user_agent=f"{AGENT}/{VERSION}",
        actor=AGENT,
        base_url="",
    )

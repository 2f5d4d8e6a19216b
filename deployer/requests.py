"""Asking for a deployment: at most one waits for each service, and it is always the newest."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from deployer.models import Deployment, Rule, Service
from deployer.targets.base import Image
from deployer.wake import wake_on_commit

MAX_DEBOUNCES = 5
"""A service that is pushed to without a pause is deployed after so many debounces."""


@dataclass(frozen=True, slots=True)
class Push:
    """A push that matches a rule."""

    rule: Rule
    seq: int
    source_id: int
    image: Image
    actor: str


def request_for_push(service: Service, push: Push) -> Deployment:
    """Deploy what was pushed, on the caller's transaction, which has locked the service.

    A push of what is being deployed already joins that deployment; one that waits for something else is superseded.
    """
    now = timezone.now()
    same = _joinable(service, push)
    if same is not None:
        same.last_seq, same.tag, same.actor, same.pushes = push.seq, push.image.tag, push.actor, same.pushes + 1
        same.save(update_fields=["last_seq", "tag", "actor", "pushes"])
        return same
    debounce = timedelta(seconds=service.debounce_seconds)
    since = _supersede(service, now) or now
    deployment = _make(
        service,
        push,
        first_seq=push.seq,
        last_seq=push.seq,
        pushes=1,
        waiting_since=since,
        due_at=min(now + debounce, since + MAX_DEBOUNCES * debounce),
    )
    wake_on_commit(service.pk, (deployment.due_at - now).total_seconds())
    return deployment


def request_at_once(wanted: Push | Deployment, *, cause: Deployment.Cause, user: User) -> Deployment:
    """Deploy a push of the past or the image of an earlier deployment, on the caller's transaction.

    What waits is superseded.
    """
    service = lock(wanted.rule.service_id if isinstance(wanted, Push) else wanted.service_id)
    _supersede(service, timezone.now())
    deployment = _make(service, wanted, cause=cause, requested_by=user)
    wake_on_commit(service.pk, 0.0)
    return deployment


def lock(service_id: int) -> Service:
    """The service, locked until the end of the transaction: every change of its deployments begins with this."""
    return Service.objects.select_for_update().get(pk=service_id)


def _make(service: Service, wanted: Push | Deployment, **values: Any) -> Deployment:
    image = wanted.image
    return Deployment.objects.create(
        service=service,
        rule=wanted.rule,
        source_id=wanted.source_id,
        repository=image.repository,
        tag=image.tag,
        digest=image.digest,
        actor=wanted.actor,
        **values,
    )


def _joinable(service: Service, push: Push) -> Deployment | None:
    """The unfinished deployment of the same image, if nothing else was asked for after it."""
    unfinished = service.deployments.filter(state__in=Deployment.UNFINISHED).order_by("-id")
    newest = unfinished.first()
    if newest is None or newest.state == Deployment.State.UNDOING:
        return None
    is_same = (newest.repository, newest.digest) == (push.image.repository, push.image.digest)
    return newest if is_same and newest.source_id == push.source_id else None


def _supersede(service: Service, now: datetime) -> datetime | None:
    """End the one that waits; since when something has waited. None when nothing did."""
    waiting = service.deployments.filter(state=Deployment.State.WAITING).first()
    if waiting is None:
        return None
    waiting.state, waiting.finished_at = Deployment.State.SUPERSEDED, now
    waiting.reason = "something newer was asked for before it began"
    waiting.save(update_fields=["state", "finished_at", "reason"])
    return waiting.waiting_since

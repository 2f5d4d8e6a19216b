"""Going back to what was deployed before, or trying again; each is a new deployment."""

from django.contrib.auth.models import User
from django.db import transaction

from deployer.backtest import MOST_PUSHES, backtest
from deployer.models import Deployment, Service
from deployer.requests import request_at_once
from deployer.triggers import as_push

State = Deployment.State


class NotPossible(ValueError):
    """What was asked for makes no sense for this deployment; the text says why."""


def retry(deployment: Deployment, user: User) -> Deployment:
    """Deploy the same image once more. Raises NotPossible while it is not finished."""
    if not deployment.is_finished:
        raise NotPossible("this deployment is not finished yet")
    with transaction.atomic():
        return request_at_once(deployment, cause=Deployment.Cause.RETRY, user=user)


def roll_back(deployment: Deployment, user: User) -> Deployment:
    """Deploy what ran before this deployment. Raises NotPossible when nothing did, or this one does not run."""
    if deployment.state != State.SUCCEEDED:
        raise NotPossible("only a deployment that succeeded can be rolled back")
    before = find_previous(deployment)
    if before is None:
        raise NotPossible("nothing else ran before this deployment")
    with transaction.atomic():
        return request_at_once(before, cause=Deployment.Cause.ROLL_BACK, user=user)


def deploy_newest(service: Service, user: User) -> Deployment:
    """Deploy the newest push that the service's rules match: one from before the service, or from while it was paused.

    Raises NotPossible when there is none.
    """
    found = next(((event, rule) for event, rule in backtest(service, MOST_PUSHES) if rule), None)
    if found is None:
        raise NotPossible(f"none of the latest pushes matches a rule of {service.name}")
    event, rule = found
    with transaction.atomic():
        return request_at_once(as_push(event, rule), cause=Deployment.Cause.REQUEST, user=user)


def find_previous(deployment: Deployment) -> Deployment | None:
    """The last deployment of another image that succeeded before this one."""
    before = Deployment.objects.filter(service_id=deployment.service_id, state=State.SUCCEEDED, pk__lt=deployment.pk)
    return before.exclude(repository=deployment.repository, digest=deployment.digest).order_by("-id").first()

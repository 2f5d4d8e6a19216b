"""A hub as it is after some months: one order for all parts, since they name each other."""

from random import Random

from django.db import transaction
from django.utils import timezone

from tests.believable.checkups import fill_checkups
from tests.believable.deliveries import fill_deliveries
from tests.believable.deployments import fill_deployments
from tests.believable.events import fill_endpoints, fill_log
from tests.believable.images import fill_repository
from tests.believable.keeping import fill_keeping
from tests.believable.numbers import fill_numbers
from tests.believable.plan import PLANS
from tests.believable.sources import fill_sources


def fill(chance: Random) -> None:
    """In one transaction."""
    now = timezone.now()
    digests = {}
    with transaction.atomic():
        for plan in PLANS:
            repository, digests[plan.name] = fill_repository(plan, now)
            fill_numbers(repository, plan, now, chance)
        head = fill_log(digests, now, chance)
        fill_endpoints(head, now)
        fill_deliveries(head, now)
        fill_deployments(now)
        fill_keeping(now)
        fill_checkups(now)
        fill_sources(now)

"""The journal of a deployment: what its row and its steps say, written only by the holder of its service."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.utils import timezone

from deployer.claims import Claim
from deployer.models import Deployment, Service, Step
from deployer.prune import prune_history
from deployer.targets.base import Job, StepFailed, TargetAway, TryAgain
from deployer.wake import wake_on_commit

_FIRST_WAIT_SECONDS = 1.0
_LONGEST_WAIT_SECONDS = 30.0
_MAX_LOG_LENGTH = 16_384

State = Deployment.State

logger = logging.getLogger(__name__)


class Journal:
    """Every write raises LeaseLost when another worker has taken over, and changes nothing then."""

    def __init__(self, held: Claim, deployment: Deployment, job: Job) -> None:
        self._held = held
        self._deployment = deployment
        self._job = job

    def done(self, *, is_undo: bool) -> set[str]:
        """The names of the steps that are done, in one direction."""
        steps = self._deployment.steps.filter(is_undo=is_undo, state=Step.State.DONE)
        return set(steps.values_list("name", flat=True))

    @property
    def is_begun(self) -> bool:
        """Whether anything was begun."""
        return self._deployment.steps.exists()

    @contextmanager
    def step(self, name: str, *, is_undo: bool) -> Iterator[Step]:
        """Write down that the step is begun, and afterwards what became of it. What it raises goes on."""
        with self._held.writing():
            step = self._begin(name, is_undo=is_undo)
        try:
            yield step
        except (StepFailed, TryAgain, TargetAway) as error:
            self._close(step, Step.State.FAILED, str(error))
            raise
        self._close(step, Step.State.DONE, step.detail)

    def _begin(self, name: str, *, is_undo: bool) -> Step:
        """A row; the same one again after a failed try, since an engine may be away for days."""
        last = self._deployment.steps.order_by("-id").first()
        if last is None or (last.name, last.is_undo, last.state) != (name, is_undo, Step.State.FAILED):
            last = Step(deployment=self._deployment, name=name, is_undo=is_undo)
        last.state, last.finished_at, last.holder = Step.State.BEGUN, None, self._held.holder
        last.save()
        return last

    def _close(self, step: Step, state: Step.State, detail: str) -> None:
        step.state, step.detail, step.finished_at = state, detail, timezone.now()
        with self._held.writing():
            step.save(update_fields=["state", "detail", "finished_at"])
            if state == Step.State.DONE:
                self._save(memo=self._job.memo, tries=0, waits_for="")

    def wait(self, what: str) -> None:
        """Nothing can be done now: come again, later each time."""
        tries = self._deployment.tries
        seconds = min(_FIRST_WAIT_SECONDS * 2 ** min(tries, 10), _LONGEST_WAIT_SECONDS)
        logger.warning("service %s, deployment %d: %s; again in %.0f s", *self._names(), what, seconds)
        with self._held.writing():
            self._save(tries=tries + 1, waits_for=what, due_at=timezone.now() + timedelta(seconds=seconds))
            wake_on_commit(self._deployment.service_id, seconds)

    def turn_back(self, error: StepFailed) -> None:
        """From now on the deployment is undone, whoever works on it."""
        logger.warning("service %s, deployment %d is rolled back: %s", *self._names(), error)
        with self._held.writing():
            logs = error.logs[-_MAX_LOG_LENGTH:].replace("\0", "\ufffd")
            self._save(state=State.UNDOING, reason=str(error), logs=logs, tries=0, waits_for="", memo=self._job.memo)

    def finish(self, state: State, reason: str) -> None:
        """The deployment is over."""
        with self._held.writing():
            self._save(state=state, reason=reason, waits_for="", finished_at=timezone.now())
            if state == State.SUCCEEDED:
                Service.objects.filter(pk=self._deployment.service_id).update(current=self._deployment)
            prune_history(self._deployment.service_id)
        logger.info("service %s, deployment %d: %s %s", *self._names(), state.label, reason)

    def _save(self, **values: object) -> None:
        for name, value in values.items():
            setattr(self._deployment, name, value)
        self._deployment.save(update_fields=list(values))

    def _names(self) -> tuple[str, int]:
        return self._deployment.service.name, self._deployment.pk

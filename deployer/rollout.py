"""Carrying a deployment out: each step is written down before it is done, forward until it is kept, or back.

Death at any moment leaves a row that says which step was begun. Whoever claims the service next begins that step anew,
in the same direction; steps look before they act. So a service ends with its new container or its old one.
"""

import logging
from collections.abc import Callable

from deployer.claims import Claim, Stopping
from deployer.journal import Journal
from deployer.models import Deployment, Service
from deployer.targets.base import HAD_OLD, Job, StepFailed, Target, TargetAway, TryAgain
from registryhub.database.leases import LeaseLost

MAX_TRIES = 6
"""How often a step is tried that waits for a third party, before it counts as failed."""

State = Deployment.State
MakeTarget = Callable[[Service, Deployment], Target]
_EXPECTED = (StepFailed, TryAgain, TargetAway, LeaseLost, Stopping)

logger = logging.getLogger(__name__)


class Rollout:
    """One deployment, by the worker that holds its service."""

    def __init__(self, held: Claim, deployment: Deployment, make_target: MakeTarget) -> None:
        self._held = held
        self._deployment = deployment
        self._make_target = make_target
        memo = dict(deployment.memo)
        self._job = Job(deployment.pk, deployment.service.name, deployment.image, held.pause, memo)
        self._journal = Journal(held, deployment, self._job)

    def run(self) -> None:
        """Go as far as possible now. Raises Stopping and LeaseLost: another worker goes on then."""
        try:
            target = self._make_target(self._deployment.service, self._deployment)
        except StepFailed as error:
            self._give_up(error)
            return
        try:
            if self._deployment.state == State.ROLLING:
                self._go_forward(target)
            if self._deployment.state == State.UNDOING:
                self._go_back(target)
        except TargetAway as error:
            self._journal.wait(str(error))
        finally:
            target.close()

    def _go_forward(self, target: Target) -> None:
        try:
            if not self._journal.is_begun and target.is_current(self._job):
                self._journal.finish(State.SUCCEEDED, "it runs already")
                return
            self._walk(target, is_undo=False)
        except (StepFailed, TryAgain) as error:
            self._meet(error, target)
        else:
            self._journal.finish(State.SUCCEEDED, "")

    def _meet(self, error: StepFailed | TryAgain, target: Target) -> None:
        """Come again, or turn back; but what has proven that it runs stays, and tidying up is never given up."""
        is_proven = target.proof in self._journal.done(is_undo=False)
        if is_proven or (isinstance(error, TryAgain) and self._deployment.tries + 1 < MAX_TRIES):
            self._journal.wait(str(error))
        elif isinstance(error, StepFailed):
            self._journal.turn_back(error)
        else:
            self._journal.turn_back(StepFailed(f"{error} (tried {MAX_TRIES} times)"))

    def _go_back(self, target: Target) -> None:
        """Never given up: while the old container cannot be started, it is tried again and again."""
        try:
            self._walk(target, is_undo=True)
        except (StepFailed, TryAgain) as error:
            self._journal.wait(str(error))
        else:
            had_old = bool(self._job.memo.get(HAD_OLD))
            self._journal.finish(State.ROLLED_BACK if had_old else State.FAILED, self._deployment.reason)

    def _walk(self, target: Target, *, is_undo: bool) -> None:
        done = self._journal.done(is_undo=is_undo)
        for name in target.backward if is_undo else target.forward:
            if name not in done:
                self._held.check()
                with self._journal.step(name, is_undo=is_undo) as step:
                    step.detail = self._perform(target, name)

    def _perform(self, target: Target, name: str) -> str:
        """What nobody expects is tried again too, and its traceback is in the log."""
        try:
            return target.perform(name, self._job)
        except _EXPECTED:
            raise
        except Exception as error:
            logger.exception("step %s of deployment %d failed", name, self._deployment.pk)
            raise TryAgain(f"{type(error).__name__}: {error}") from error

    def _give_up(self, error: StepFailed) -> None:
        """Its settings cannot be used. Before the first step nothing has to be undone; after it they must be mended."""
        if self._journal.is_begun:
            self._journal.wait(str(error))
        else:
            self._journal.finish(State.FAILED, str(error))

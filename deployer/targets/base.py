"""What a roll-out asks of whatever it deploys to: named steps that may be done again without harm."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class StepFailed(Exception):
    """The step cannot be done: what was begun is to be undone. The message is the reason that people read."""

    def __init__(self, reason: str, logs: str = "") -> None:
        super().__init__(reason)
        self.logs = logs


class TryAgain(Exception):
    """Something else has to answer first (the registry, a receiver): again a few times, then it counts as failed."""


class TargetAway(Exception):
    """The target itself does not answer, so nothing can be undone either: again until it does."""


HAD_OLD = "had_old"
"""In the memo of a job: whether something ran before that an undo leads back to."""


Pause = Callable[[float], None]
"""Waits so many seconds, but not when the worker is told to stop or another has taken over: then it raises."""


@dataclass(frozen=True, slots=True)
class Image:
    """What is to run: the manifest `digest` of `repository`; the tag is for people to read."""

    repository: str
    tag: str
    digest: str


@dataclass(frozen=True, slots=True)
class Job:
    """One deployment as its target sees it. `memo` is kept with the journal: what a step writes there, later ones read,
    in whatever worker they run.
    """

    deployment_id: int
    service: str
    image: Image
    pause: Pause
    memo: dict[str, Any] = field(default_factory=dict)


class Target(Protocol):
    """`forward` are the steps of a roll-out, in order; `backward` those that lead back from any of them, until `proof`
    is done. From then on the new version stays: the steps after it only tidy up.

    A step that was begun by a worker that died is begun anew by another, so each looks before it acts.
    """

    @property
    def forward(self) -> Sequence[str]: ...

    @property
    def backward(self) -> Sequence[str]: ...

    @property
    def proof(self) -> str: ...

    def is_current(self, job: Job) -> bool:
        """Whether there is nothing to do. Raises TargetAway."""
        ...

    def perform(self, step: str, job: Job) -> str:
        """Do one step and say what was done. Raises StepFailed, TryAgain and TargetAway."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...

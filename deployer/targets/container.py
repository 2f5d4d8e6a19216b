"""A service that is one container: the old one is set aside until the new one has shown that it runs.

At every moment the old container, the new one or both exist; each step looks what is there before it acts, so a step
that died half-way is simply done again. The labels of a container say which deployment made it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256

from deployer.specs import ContainerSpec
from deployer.targets.base import HAD_OLD, Job, StepFailed, TargetAway, TryAgain
from deployer.targets.engine import Container, Engine, EngineAway, EngineRefusal, RegistryAway

SERVICE_LABEL = "registryhub.service"
DEPLOYMENT_LABEL = "registryhub.deployment"
FINGERPRINT_LABEL = "registryhub.fingerprint"
_LOG_LINES = 60
_LOOK_SECONDS = 0.2
_DID_RUN = "old_ran"

_STOP_FIRST = ("pull", "set aside", "create", "connect", "stop old", "start", "verify", "remove old")
_START_FIRST = ("pull", "set aside", "create", "connect", "start", "verify", "stop old", "remove old")


class ContainerTarget:
    """Replaces the container that bears the service's name."""

    backward = ("remove new", "put back", "start old")
    proof = "verify"

    def __init__(self, engine: Engine, spec: ContainerSpec, environment: Mapping[str, str]) -> None:
        self._engine = engine
        self._spec = spec
        self._environment = environment
        self._steps: Mapping[str, Callable[[Job], str]] = {
            "pull": self._pull,
            "set aside": self._set_aside,
            "create": self._create,
            "connect": self._connect,
            "stop old": self._stop_old,
            "start": self._start,
            "verify": self._verify,
            "remove old": self._remove_old,
            "remove new": self._remove_new,
            "put back": self._put_back,
            "start old": self._start_old,
        }

    @property
    def forward(self) -> Sequence[str]:
        return _STOP_FIRST if self._spec.stops_first else _START_FIRST

    def is_current(self, job: Job) -> bool:
        """Whether the image runs already, with these settings."""
        try:
            present = self._engine.find(job.service)
        except EngineAway as error:
            raise TargetAway(str(error)) from error
        except EngineRefusal:
            return False
        return (
            present is not None
            and present.is_running
            and present.health in ("none", "healthy")
            and present.labels.get(FINGERPRINT_LABEL) == self._fingerprint(job)
        )

    def perform(self, step: str, job: Job) -> str:
        try:
            return self._steps[step](job)
        except EngineAway as error:
            raise TargetAway(str(error)) from error
        except RegistryAway as error:
            raise TryAgain(str(error)) from error
        except EngineRefusal as error:
            raise StepFailed(str(error)) from error

    def close(self) -> None:
        self._engine.close()

    def _pull(self, job: Job) -> str:
        job.memo["image"] = self._engine.pull(job.image.repository, job.image.digest)
        return f"pulled {job.memo['image']}"

    def _set_aside(self, job: Job) -> str:
        """Free the name. Whether the old one ran is remembered here, before anything stops it."""
        present, aside = self._engine.find(job.service), self._engine.find(_aside(job))
        if present is not None and not _is_of(present, job):
            if aside is not None:
                raise StepFailed(f"somebody made another container {job.service} meanwhile; remove one of the two")
            self._engine.rename(job.service, _aside(job))
            aside = present
        job.memo[HAD_OLD] = aside is not None
        job.memo[_DID_RUN] = aside is not None and aside.is_running
        if aside is None:
            return "there was none before"
        taken_over = "" if SERVICE_LABEL in aside.labels else "; it was not made by the hub"
        return f"the old container is {_aside(job)} for now{taken_over}"

    def _create(self, job: Job) -> str:
        present = self._engine.find(job.service)
        if present is not None and _is_of(present, job):
            return "it was created before"
        labels = {
            SERVICE_LABEL: job.service,
            DEPLOYMENT_LABEL: str(job.deployment_id),
            FINGERPRINT_LABEL: self._fingerprint(job),
        }
        self._engine.create(
            job.service,
            image=job.memo["image"],
            spec=self._spec,
            environment=self._environment,
            labels={**self._spec.labels, **labels},
        )
        return f"created from {job.image.repository}@{job.image.digest}"

    def _connect(self, job: Job) -> str:
        missing = [name for name in self._spec.networks if name not in self._new(job).networks]
        for network in missing:
            self._engine.connect(job.service, network)
        return f"connected to {', '.join(self._spec.networks)}" if self._spec.networks else "no networks to connect to"

    def _stop_old(self, job: Job) -> str:
        old = self._engine.find(_aside(job))
        if old is None or not old.is_running:
            return "nothing ran"
        self._engine.stop(_aside(job), self._spec.stop_seconds)
        return "stopped"

    def _start(self, job: Job) -> str:
        if self._new(job).is_running:
            return "it runs already"
        self._engine.start(job.service)
        return "started"

    def _verify(self, job: Job) -> str:
        """Until its health check passes; without one, until it has run for some seconds without a break."""
        began = time.monotonic()
        while True:
            new, seconds = self._new(job), time.monotonic() - began
            if new.health == "healthy":
                return f"healthy after {seconds:.1f} s"
            if reason := self._fault(new, seconds):
                raise StepFailed(reason, self._logs(job))
            if new.health == "none" and seconds >= self._spec.running_seconds:
                return f"has run for {self._spec.running_seconds:g} s"
            job.pause(_LOOK_SECONDS)

    def _fault(self, new: Container, seconds: float) -> str:
        if new.is_running and new.restarts:
            return f"did not stay up: restarted {new.restarts} times within {seconds:.1f} s"
        if not new.is_running:
            why = f": {new.error}" if new.error else ""
            return f"exited with code {new.exit_code} after {seconds:.1f} s{why}"
        output = f"; its health check says: {new.health_output}" if new.health_output else ""
        if new.health == "unhealthy":
            return f"unhealthy after {seconds:.1f} s{output}"
        if new.health == "starting" and seconds >= self._spec.healthy_seconds:
            return f"not healthy within {self._spec.healthy_seconds:g} s{output}"
        return ""

    def _remove_old(self, job: Job) -> str:
        """One that the engine will not let go of is left, as long as it does not run: it is in nobody's way."""
        if self._engine.find(_aside(job)) is None:
            return "nothing to remove"
        try:
            self._engine.remove(_aside(job))
        except EngineRefusal as refusal:
            left = self._engine.find(_aside(job))
            if left is not None and left.is_running:
                raise
            return f"{_aside(job)} is left behind: {refusal}"
        return "removed"

    def _remove_new(self, job: Job) -> str:
        present = self._engine.find(job.service)
        if present is None or not _is_of(present, job):
            return "it was never created"
        self._engine.remove(job.service)
        return "removed"

    def _put_back(self, job: Job) -> str:
        if self._engine.find(_aside(job)) is None:
            return "nothing was set aside"
        self._engine.rename(_aside(job), job.service)
        return "the old container has its name again"

    def _start_old(self, job: Job) -> str:
        old = self._engine.find(job.service)
        if old is None:
            return "there was none before"
        if old.is_running or not job.memo.get(_DID_RUN):
            return "it runs" if old.is_running else "it was stopped before, and stays so"
        self._engine.start(job.service)
        return "the old container runs again"

    def _fingerprint(self, job: Job) -> str:
        """Of everything that makes a container what it is."""
        parts = (
            job.image.repository,
            job.image.digest,
            self._spec.model_dump_json(),
            sorted(self._environment.items()),
        )
        return sha256(repr(parts).encode()).hexdigest()

    def _new(self, job: Job) -> Container:
        new = self._engine.find(job.service)
        if new is None or not _is_of(new, job):
            raise StepFailed(f"somebody has removed the new container {job.service}")
        return new

    def _logs(self, job: Job) -> str:
        with suppress(EngineAway, EngineRefusal):
            return self._engine.read_logs(job.service, _LOG_LINES)
        return ""


def _aside(job: Job) -> str:
    """The name of the old container while it is not known which of the two will stay."""
    return f"{job.service}-before-{job.deployment_id}"


def _is_of(container: Container, job: Job) -> bool:
    return container.labels.get(DEPLOYMENT_LABEL) == str(job.deployment_id)

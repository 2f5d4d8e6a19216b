"""A service that deploys itself when it is told to: one signed POST, which any 2xx takes over.

The signature is that of Standard Webhooks, and the id stays the same however often it is sent, so that a receiver can
tell a repetition.
"""

import time
from collections.abc import Mapping

import orjson

from deployer.specs import CallSpec
from deployer.targets.base import Job, StepFailed, TryAgain
from notifications.delivery.outgoing.guard import Guard
from notifications.delivery.outgoing.sinks import HttpSink, Outcome
from notifications.signing import sign
from registryhub.version import VERSION

_AGAIN = frozenset((408, 409, 425, 429))


class CallTarget:
    """Nothing leads back from a call: an older image is deployed by calling once more."""

    forward = ("call",)
    backward = ()
    proof = "call"

    def __init__(self, spec: CallSpec, key: str, guard: Guard) -> None:
        self._spec = spec
        self._key = key
        self._guard = guard

    def is_current(self, job: Job) -> bool:
        return False

    def perform(self, step: str, job: Job) -> str:
        body = orjson.dumps(describe(job))
        outcome = self._post(job, body)
        if outcome.is_success:
            return f"answered {outcome.status} after {outcome.duration_seconds:.1f} s"
        if outcome.status is None or outcome.status >= 500 or outcome.status in _AGAIN:
            raise TryAgain(outcome.error)
        raise StepFailed(outcome.error, outcome.answer.decode(errors="replace"))

    def _post(self, job: Job, body: bytes) -> Outcome:
        message_id = f"deployment-{job.deployment_id}"
        signature = sign(self._key, message_id=message_id, timestamp=int(time.time()), body=body)
        headers: Mapping[str, str] = {"Content-Type": "application/json", **self._spec.headers, **signature}
        sink = HttpSink(
            url=self._spec.url,
            headers={name: [value] for name, value in headers.items()},
            timeout_seconds=self._spec.timeout_seconds,
            user_agent=f"RegistryHub/{VERSION}",
            environment={},  # through a proxy nobody could see which address is dialled
            guard=self._guard,
        )
        try:
            return sink.post(body)
        finally:
            sink.close()

    def close(self) -> None:
        """Nothing is kept open."""


def describe(job: Job) -> dict[str, object]:
    """The body of a call."""
    return {
        "deployment": job.deployment_id,
        "service": job.service,
        "repository": job.image.repository,
        "tag": job.image.tag,
        "digest": job.image.digest,
    }

"""The parts of the `hub` section that say what is kept and what is removed."""

from typing import Annotated

from pydantic import Field

from registryhub.config.section import Section
from registryhub.config.values import EMPTY_IS_NONE, Duration, Flag, PositiveDuration, Whole, at_least


class Deleting(Section):
    """With `protect` nothing is deleted that an index, a referrer or a running service still needs."""

    protect: Flag = False


class Collect(Section):
    """The garbage collection by the clock.

    What nothing refers to is removed once that has been so for `grace`; manifests without a tag once that has been so
    for `untagged`, never when that is not set.
    """

    enabled: Flag = True
    interval_seconds: PositiveDuration = Field(default=24 * 3600.0, alias="interval")
    grace_seconds: Duration = Field(default=24 * 3600.0, alias="grace")
    untagged_seconds: Annotated[Duration | None, EMPTY_IS_NONE] = Field(default=None, alias="untagged")


class Retention(Section):
    """How often the rules of retention are applied."""

    interval_seconds: PositiveDuration = Field(default=24 * 3600.0, alias="interval")


class EventLog(Section):
    """How long the log keeps events, and how many at most; without bound where that is 0.

    `seen` is how long their ids are remembered, by which one that comes again is told; `streams` is how many clients
    of each web process may follow the log.
    """

    keep_seconds: Annotated[Duration, at_least(0)] = Field(default=90 * 24 * 3600.0, alias="keep")
    max_events: Annotated[Whole, at_least(0)] = 0
    seen_seconds: PositiveDuration = Field(default=30 * 24 * 3600.0, alias="seen")
    streams: Annotated[Whole, at_least(0)] = 32

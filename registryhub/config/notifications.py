"""The `notifications` section: what events say, and the webhooks they are sent to."""

from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from registryhub.config.addresses import HttpUrl
from registryhub.config.document import Scalar
from registryhub.config.errors import Problem, join_key
from registryhub.config.headers import RequestHeaders
from registryhub.config.section import Section, wrong_at
from registryhub.config.values import Duration, Flag, PositiveDuration, Text, Whole, at_least, positive_or, read_text

ACTIONS = ("pull", "push", "mount", "delete")


class EventFields(Section):
    """What the events carry beyond the usual."""

    includereferences: Flag = False


def _read_action(value: object, info: ValidationInfo) -> object:
    text = read_text(value)
    if isinstance(value, Scalar) and info.context is not None and text not in ACTIONS:
        message = f"no event has the action {text!r}; the actions are {', '.join(ACTIONS)}"
        info.context.append(Problem(message, join_key(value.path), value.origin))
    return text


class Ignore(Section):
    """Events that match any of these are not sent to the endpoint."""

    mediatypes: tuple[Text, ...] = ()
    actions: tuple[Annotated[str, BeforeValidator(_read_action)], ...] = ()


MAX_NAME_LENGTH = 100
NOT_NEGATIVE = at_least(0)


def _check_name(name: str) -> str:
    if not name.strip():
        raise ValueError("is empty; give the endpoint a name of its own")
    if len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise ValueError(
            f"is longer than {MAX_NAME_LENGTH} characters or holds control characters; choose a plain name"
        )
    return name


class Endpoint(Section):
    """One webhook. A timeout, threshold or backoff of 0 or less means the default, as in the reference.

    A limit of 0 is none.
    """

    name: Annotated[Text, AfterValidator(_check_name)]
    url: HttpUrl
    disabled: Flag = False
    headers: RequestHeaders = {}
    timeout_seconds: Annotated[Duration, positive_or(1.0)] = Field(default=1.0, alias="timeout")
    threshold: Annotated[Whole, positive_or(10)] = 10
    backoff_seconds: Annotated[Duration, positive_or(1.0)] = Field(default=1.0, alias="backoff")
    maxbackoff_seconds: Annotated[Duration, NOT_NEGATIVE] = Field(default=0.0, alias="maxbackoff")
    maxattempts: Annotated[Whole, NOT_NEGATIVE] = 0
    maxretries: Annotated[Whole, NOT_NEGATIVE] = 0
    maxage_seconds: Annotated[Duration, NOT_NEGATIVE] = Field(default=0.0, alias="maxage")
    disableafter_seconds: Annotated[Duration, NOT_NEGATIVE] = Field(default=0.0, alias="disableafter")
    ignoredmediatypes: tuple[Text, ...] = ()
    ignore: Ignore = Ignore()

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        if 0 < self.maxbackoff_seconds < self.backoff_seconds:
            raise wrong_at("maxbackoff", message="is shorter than backoff, from which it grows; write a longer one")
        if self.maxattempts and self.maxretries and self.maxattempts != self.maxretries:
            raise wrong_at("maxretries", message="is the same key as maxattempts; remove one of them")
        return self

    @property
    def attempts_limit(self) -> int:
        """Both spellings of the setting in one."""
        return self.maxattempts or self.maxretries

    @property
    def ignored_media_types(self) -> frozenset[str]:
        """Both spellings of the setting in one."""
        return frozenset((*self.ignoredmediatypes, *self.ignore.mediatypes))

    @property
    def ignored_actions(self) -> frozenset[str]:
        """Actions that are not sent."""
        return frozenset(self.ignore.actions)


class DeadLetters(Section):
    """Events that were given up."""

    keep_seconds: PositiveDuration = Field(default=30 * 86_400.0, alias="keep")


class Notifications(Section):
    """Events and the endpoints they go to."""

    events: EventFields = EventFields()
    deadletters: DeadLetters = DeadLetters()
    endpoints: tuple[Endpoint, ...] = ()

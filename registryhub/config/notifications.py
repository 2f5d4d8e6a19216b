"""The `notifications` section: what events say, and the webhooks they are sent to."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from registryhub.config.addresses import HttpUrl
from registryhub.config.document import Scalar
from registryhub.config.errors import Problem, join_key
from registryhub.config.headers import RequestHeaders
from registryhub.config.section import Section
from registryhub.config.values import Duration, Flag, Text, Whole, positive_or, read_text

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


def _check_name(name: str) -> str:
    if not name.strip():
        raise ValueError("is empty; give the endpoint a name of its own")
    if len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise ValueError(
            f"is longer than {MAX_NAME_LENGTH} characters or holds control characters; choose a plain name"
        )
    return name


class Endpoint(Section):
    """One webhook. A timeout, threshold or backoff of 0 or less means the default, as in the reference."""

    name: Annotated[Text, AfterValidator(_check_name)]
    url: HttpUrl
    disabled: Flag = False
    headers: RequestHeaders = {}
    timeout_seconds: Annotated[Duration, positive_or(1.0)] = Field(default=1.0, alias="timeout")
    threshold: Annotated[Whole, positive_or(10)] = 10
    backoff_seconds: Annotated[Duration, positive_or(1.0)] = Field(default=1.0, alias="backoff")
    ignoredmediatypes: tuple[Text, ...] = ()
    ignore: Ignore = Ignore()

    @property
    def ignored_media_types(self) -> frozenset[str]:
        """Both spellings of the setting in one."""
        return frozenset((*self.ignoredmediatypes, *self.ignore.mediatypes))

    @property
    def ignored_actions(self) -> frozenset[str]:
        """Actions that are not sent."""
        return frozenset(self.ignore.actions)


class Notifications(Section):
    """Events and the endpoints they go to."""

    events: EventFields = EventFields()
    endpoints: tuple[Endpoint, ...] = ()

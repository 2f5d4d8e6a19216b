"""The `notifications` section: what events say, and the webhooks they are sent to."""

import base64
import binascii
import re
import ssl
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, SecretStr, ValidationInfo, model_validator

from registryhub.config.addresses import HttpUrl, SecretUrl, split_url
from registryhub.config.document import Scalar
from registryhub.config.errors import Problem, join_key
from registryhub.config.filters import Filter
from registryhub.config.headers import RequestHeaders
from registryhub.config.section import Section, wrong_at
from registryhub.config.values import (
    CHOICE,
    Duration,
    FilePath,
    Flag,
    PositiveDuration,
    Secret,
    Text,
    Whole,
    at_least,
    at_most,
    positive_or,
    read_text,
)

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
MAX_COUNT = 2**31 - 1
"""What the column of such a number holds."""


def _check_name(name: str) -> str:
    if not name.strip():
        raise ValueError("is empty; give the endpoint a name of its own")
    if len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise ValueError(
            f"is longer than {MAX_NAME_LENGTH} characters or holds control characters; choose a plain name"
        )
    return name


def _check_pem(text: str) -> str:
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError, TypeError):  # the last for what is not ASCII
        raise ValueError("holds no certificate in PEM; paste it with its BEGIN and END lines") from None
    return text


class Tls(Section):
    """Files of PEM, and authorities as text. Without them the system's are trusted and nothing is shown."""

    ca: FilePath | None = None
    capem: Annotated[Text, AfterValidator(_check_pem)] | None = None
    certificate: FilePath | None = None
    key: FilePath | None = None
    skipverify: Flag = False

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if self.key and not self.certificate:
            raise wrong_at("certificate", message="is missing beside the key; write it")
        if self.ca and self.capem:
            raise wrong_at("capem", message="says the same as ca; remove one of them")
        return self


def _read_proxy(value: object) -> object:
    text = read_text(value)
    if isinstance(text, str) and text != DIRECT and not split_url(text, ("http",)).hostname:
        raise ValueError("names no host; write http://HOST:PORT, or direct for none")
    return text


def _read_rate(value: object) -> object:
    text = read_text(value)
    if not isinstance(text, str):
        return text
    match = re.fullmatch(r"([0-9]{1,6})/(s|m|h)", text)
    if match is None:
        raise ValueError("is no rate; write a number of requests and s, m or h after a slash, such as 10/s")
    return int(match[1]) / _RATE_SECONDS[match[2]]


def _write_rate(per_second: float) -> str:
    """In the unit in which it is a whole number."""
    counts = {unit: round(per_second * seconds, 6) for unit, seconds in _RATE_SECONDS.items()}
    unit = next((unit for unit, count in counts.items() if count.is_integer()), "h")
    return f"{counts[unit]:.0f}/{unit}"


_RATE_SECONDS = {"s": 1, "m": 60, "h": 3600}
Rate = Annotated[float, BeforeValidator(_read_rate), PlainSerializer(_write_rate, when_used="json")]
DIRECT = "direct"
ProxyUrl = Annotated[SecretUrl, PlainSerializer(str, when_used="json"), BeforeValidator(_read_proxy)]
FaceName = Literal["distribution", "batch", "cloudevents", "standard", "slack"]
BATCHING: tuple[FaceName, ...] = ("batch", "cloudevents")
DEFAULT_BATCH = 100
MAX_BATCH = 1_000
OrderName = Literal["all", "repository", "none"]
LogName = Literal["all", "sampled", "failures"]
MAX_IN_FLIGHT = 32
TEMPLATE_FIELDS = (
    *("action", "image", "repository", "tag", "digest", "mediatype", "size", "url"),
    *("actor", "address", "host", "id", "timestamp"),
)


def _check_secret(secret: SecretStr) -> SecretStr:
    """The form that Standard Webhooks has."""
    prefix, _, key = secret.get_secret_value().partition("_")
    try:
        length = len(base64.b64decode(key, validate=True))
    except binascii.Error:
        length = 0
    if prefix != "whsec" or not 24 <= length <= 64:
        raise ValueError("is no secret of a webhook; write whsec_ and the base64 of 24 to 64 random bytes")
    return secret


def _check_template(template: str) -> str:
    unknown = sorted(set(re.findall(r"\{([a-z]+)\}", template)) - set(TEMPLATE_FIELDS))
    if unknown:
        raise ValueError(f"names {{{unknown[0]}}}, which no event has; there are {', '.join(TEMPLATE_FIELDS)}")
    return template


class Endpoint(Section):
    """One webhook. A timeout, threshold or backoff of 0 or less means the default, as in the reference.

    A limit of 0 is none.
    """

    name: Annotated[Text, AfterValidator(_check_name)]
    url: HttpUrl
    disabled: Flag = False
    headers: RequestHeaders = {}
    timeout_seconds: Annotated[Duration, positive_or(1.0)] = Field(default=1.0, alias="timeout")
    threshold: Annotated[Whole, positive_or(10), at_most(MAX_COUNT)] = 10
    backoff_seconds: Annotated[Duration, positive_or(1.0)] = Field(default=1.0, alias="backoff")
    maxbackoff_seconds: Annotated[Duration, NOT_NEGATIVE] = Field(default=0.0, alias="maxbackoff")
    maxattempts: Annotated[Whole, NOT_NEGATIVE, at_most(MAX_COUNT)] = 0
    maxretries: Annotated[Whole, NOT_NEGATIVE, at_most(MAX_COUNT)] = 0
    maxage_seconds: Annotated[Duration, NOT_NEGATIVE] = Field(default=0.0, alias="maxage")
    disableafter_seconds: Annotated[Duration, NOT_NEGATIVE] = Field(default=0.0, alias="disableafter")
    ratelimit_per_second: Rate = Field(default=0.0, alias="ratelimit")
    tls: Tls = Tls()
    proxy: ProxyUrl | None = None
    face: Annotated[FaceName, CHOICE] = "distribution"
    mediatype: Annotated[Literal["v1", "v2"], CHOICE] = "v2"
    batchsize: Annotated[Whole, NOT_NEGATIVE] = 0
    batchwait_seconds: Annotated[Duration, NOT_NEGATIVE] = Field(default=0.0, alias="batchwait")
    order: Annotated[OrderName, CHOICE] = "all"
    inflight: Annotated[Whole, positive_or(1)] = 1
    log: Annotated[LogName, CHOICE] = "sampled"
    notices: Flag = False
    secrets: tuple[Annotated[Secret, AfterValidator(_check_secret)], ...] = ()
    template: Annotated[Text, AfterValidator(_check_template)] = "*{action}* of {image} by {actor}"
    ignoredmediatypes: tuple[Text, ...] = ()
    ignore: Ignore = Ignore()
    filter: Filter = Filter()

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        if 0 < self.maxbackoff_seconds < self.backoff_seconds:
            raise wrong_at("maxbackoff", message="is shorter than backoff, from which it grows; write a longer one")
        if self.maxattempts and self.maxretries and self.maxattempts != self.maxretries:
            raise wrong_at("maxretries", message="is the same key as maxattempts; remove one of them")
        return self

    @model_validator(mode="after")
    def _check_face(self) -> Self:
        if self.batchsize > 1 and self.face not in BATCHING:
            raise wrong_at("batchsize", message=f"is more than the face {self.face} holds; write face: batch")
        if self.batchsize > MAX_BATCH:
            raise wrong_at("batchsize", message=f"is more than {MAX_BATCH}; write a smaller number")
        if self.face == "standard" and not self.secrets:
            raise wrong_at("secrets", message="is empty; list the secret that signs, such as [whsec_...]")
        return self

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.inflight > 1 and self.order == "all":
            raise wrong_at("inflight", message="lets events overtake each other; write order: repository, or none")
        if self.inflight > MAX_IN_FLIGHT:
            raise wrong_at("inflight", message=f"is more than {MAX_IN_FLIGHT}; write a smaller number")
        return self

    @property
    def proxy_url(self) -> str | None:
        """Empty for none; None when the environment decides."""
        url = self.proxy.get_secret_value() if self.proxy else None
        return "" if url == DIRECT else url

    @property
    def events_a_request(self) -> int:
        """The size of a batch, 1 for faces that know none."""
        return self.batchsize or (DEFAULT_BATCH if self.face == "batch" else 1)

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


class Attempts(Section):
    """The delivery log: how long an attempt is kept, and how many failures and batches of successes an endpoint has."""

    keep_seconds: PositiveDuration = Field(default=30 * 86_400.0, alias="keep")
    max: Annotated[Whole, positive_or(2_000)] = 2_000


class Notifications(Section):
    """Events and the endpoints they go to."""

    events: EventFields = EventFields()
    attempts: Attempts = Attempts()
    deadletters: DeadLetters = DeadLetters()
    endpoints: tuple[Endpoint, ...] = ()

"""What others know of consumers of the log: settings.CONSUMER_ADVICE, so that the log need not know who they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings
from django.utils.module_loading import import_string

from registryhub.doctor.findings import State


@dataclass(frozen=True, slots=True)
class Advice:
    """`title` is what people call the consumer, `words` how it does.

    With a `verdict` the position need not be looked at. In `trouble` it may stand still, and `words` say why.
    """

    title: str
    words: str
    verdict: State | None = None
    is_in_trouble: bool = False
    mend: str = ""


Advices = Mapping[str, Advice | None]
"""By the name of the consumer; None for one that is to be left out."""


def read_advice() -> Advices:
    """All that is known."""
    found: dict[str, Advice | None] = {}
    for path in settings.CONSUMER_ADVICE:
        read: Callable[[], Advices] = import_string(path)
        found.update(read())
    return found

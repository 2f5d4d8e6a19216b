"""From the log to those who listen to it: whether each has moved past the probe, and if not, why not."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q
from django.db.models.functions import Now

from notifications.log.doctor.advice import Advice, Advices, read_advice
from notifications.log.doctor.hops import passed
from notifications.log.listing import read_head
from notifications.log.models import Consumer, LogHead
from notifications.log.runners import subject_of
from registryhub.doctor.complaints import last_complaint
from registryhub.doctor.findings import Finding
from registryhub.doctor.patience import SLOW_SECONDS, wait_until

_NOT_REACHED = "the probe did not get that far"
_HELD = ExpressionWrapper(Q(expires_at__gt=Now()) & ~Q(holder=""), output_field=BooleanField())

Places = Mapping[str, Any]


def await_consumers(seq: int | None, patience_seconds: float) -> Iterator[Finding]:
    """A finding for each as soon as it is known; those that do not move come last."""
    advices = read_advice()
    for advice in advices.values():
        if advice is not None and advice.verdict is not None:
            yield Finding(advice.title, advice.verdict, advice.words, advice.mend)
    expected = {name for name, advice in advices.items() if advice is not None and advice.verdict is None}
    names = {name for name in _read_places() if name not in advices} | expected
    if seq is None:
        yield from (_unreached(name, advices) for name in sorted(names))
        return
    race = _Race(seq, names)
    wait_until(race.is_over, patience_seconds)
    for name, seconds in race.arrived.items():
        words = _words(advices.get(name)) or f"has dealt with event {seq}"
        yield passed(_title(name, advices), words, since=time.monotonic() - seconds)
    yield from (_judge(name, race) for name in sorted(race.running))


@dataclass(slots=True)
class _Race:
    """Who has moved past the probe, after how many seconds, and where everybody began."""

    seq: int
    running: set[str]
    arrived: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)
    first: Places = field(default_factory=lambda: _read_places())

    def is_over(self) -> bool:
        """Whether nobody runs any more for whom it is worth to wait."""
        places, seconds = _read_places(), time.monotonic() - self.began
        for name in sorted(self.running):
            if name in places and places[name].position >= self.seq:
                self.running.discard(name)
                self.arrived[name] = seconds
        hopeless = seconds > SLOW_SECONDS and all(self._is_hopeless(name, places) for name in self.running)
        return not self.running or hopeless

    def _is_hopeless(self, name: str, places: Places) -> bool:
        place = places.get(name)
        return place is None or not place.is_held or bool(_complaint(place))


def _unreached(name: str, advices: Advices) -> Finding:
    advice = advices.get(name)
    if advice is not None and advice.is_in_trouble:
        return Finding(advice.title, "stopped", advice.words, advice.mend)
    return Finding(_title(name, advices), "skipped", _NOT_REACHED)


def _judge(name: str, race: _Race) -> Finding:
    """Why one has not moved past the probe."""
    advices, place = read_advice(), _read_places().get(name)
    title, advice = _title(name, advices), advices.get(name)
    behind = f"events behind the head: {read_head() - (place.position if place else 0)}"
    if advice is not None and advice.is_in_trouble:
        return Finding(title, "stopped", f"{advice.words}; {behind}", advice.mend)
    if place is not None and (complaint := _complaint(place)):
        words = f"fails at event {place.position + 1}: {complaint}; {behind}"
        return Finding(title, "stopped", words, "It is tried again by itself; the log of the relay says more.")
    if place is None or not place.is_held:
        return _nobody(title, is_wanted=advice is not None)
    if name in race.first and place.position > race.first[name].position:
        return Finding(title, "slow", f"comes nearer; {behind}", "Wait.")
    words = f"the relay {place.holder} holds its place and does not move; {behind}"
    return Finding(title, "stopped", words, "See the log of the relay; when it hangs, end it: another one takes over.")


def _nobody(title: str, *, is_wanted: bool) -> Finding:
    if not LogHead.objects.filter(_HELD, pk=1).exists():
        return Finding(title, "stopped", "no relay runs it", "Start the hub with the role relay.")
    if is_wanted:
        words = "the relay has not taken it up"
        return Finding(title, "stopped", words, "Let the relay read the configuration anew (SIGHUP to serve).")
    return Finding(title, "skipped", "nobody listens under this name any more: it is of an earlier configuration")


def _read_places() -> Places:
    return {place.name: place for place in Consumer.objects.annotate(is_held=_HELD)}


def _complaint(place: Any) -> str:
    """What it failed by since it moved last."""
    return last_complaint(subject_of(place.name), since=place.updated_at)


def _title(name: str, advices: Advices) -> str:
    advice = advices.get(name)
    return advice.title if advice is not None else name


def _words(advice: Advice | None) -> str:
    return advice.words if advice is not None else ""

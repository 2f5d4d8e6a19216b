"""What is known of an envelope when it comes in: how many events are new, known, and unreadable."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from notifications.log.models import SeenEvent
from notifications.log.readers import ReadEvent
from notifications.receiver.adapters.payloads import Ignored
from notifications.receiver.adapters.reader import readings
from notifications.receiver.adapters.split import InvalidEnvelope
from notifications.receiver.errors import ENVELOPE_INVALID, ENVELOPE_TOO_LARGE
from registryhub.oci.errors import OciError

_IDS_A_QUERY = 1000


@dataclass(frozen=True, slots=True)
class Envelope:
    """The ids of the readable events, in order and with repetitions, and the numbers of the others."""

    event_ids: Sequence[str]
    quarantined: int
    ignored: int = 0

    @property
    def is_empty(self) -> bool:
        return not self.event_ids and not self.quarantined


@dataclass(frozen=True, slots=True)
class Tally:
    """The answer to an envelope."""

    accepted: int
    duplicates: int
    quarantined: int
    ignored: int = 0

    def document(self) -> dict[str, int]:
        """What means nothing to counters is told of only where there is some."""
        found = asdict(self)
        return found if self.ignored else {name: found[name] for name in found if name != "ignored"}

    def as_duplicates(self) -> "Tally":
        """That of an envelope which was taken before."""
        return replace(self, accepted=0, duplicates=self.accepted + self.duplicates + self.quarantined, quarantined=0)


def open_envelope(raw: bytes, max_events: int) -> Envelope:
    """Raises OciError: 400 with the reason when it is none, 413 when it holds too many events."""
    event_ids: list[str] = []
    quarantined = ignored = 0
    try:
        for reading in readings(raw, is_strict=True):
            if isinstance(reading, ReadEvent):
                event_ids.append(reading.event.id)
            elif isinstance(reading, Ignored):
                ignored += 1
            else:
                quarantined += 1
            if len(event_ids) + quarantined + ignored > max_events:
                raise _too_many(max_events)
    except InvalidEnvelope as error:
        raise OciError(ENVELOPE_INVALID, str(error)) from error
    return Envelope(event_ids, quarantined, ignored)


def tally(source_id: int, envelope: Envelope) -> Tally:
    """Compare with what the log has of the source already; one bounded look-up per thousand ids."""
    fresh = set(envelope.event_ids)
    for known in _known(source_id, sorted(fresh)):
        fresh.discard(known)
    return Tally(
        accepted=len(fresh),
        duplicates=len(envelope.event_ids) - len(fresh),
        quarantined=envelope.quarantined,
        ignored=envelope.ignored,
    )


def _known(source_id: int, event_ids: Sequence[str]) -> list[str]:
    found: list[str] = []
    for start in range(0, len(event_ids), _IDS_A_QUERY):
        some = event_ids[start : start + _IDS_A_QUERY]
        found += SeenEvent.objects.filter(source_id=source_id, event_id__in=some).values_list("event_id", flat=True)
    return found


def _too_many(max_events: int) -> OciError:
    return OciError(
        ENVELOPE_TOO_LARGE,
        f"at most {max_events} events an envelope; send fewer at once, or raise hub.limits.envelope_events",
    )

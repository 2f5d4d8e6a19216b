"""The doctor's probe: an event that goes the way of every pull, and counts for nothing on it.

It is a check, of a repository whose name no client can use, without a tag, and of a media type of its own by which
endpoints leave it out. So it makes no repository, is no pull, moves no tag and deploys nothing.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from notifications import events
from notifications.log.segments import create_segment

REPOSITORY = "-/doctor"


@dataclass(frozen=True, slots=True)
class Probe:
    """The event that was written, the journal segment it is in, and when (by the monotonic clock) it was."""

    event_id: str
    segment: Path
    sent_at: float


def send_probe(folder: Path) -> Probe:
    """Leave a probe in the journal, in a finished segment of its own. Raises OSError as a pull would get 503."""
    event = events.Event(
        id=events.new_id(),
        timestamp=datetime.now(UTC),
        action="check",
        repository=REPOSITORY,
        media_type=events.MEDIA_TYPE_PROBE,
    )
    segment = create_segment(folder)
    try:
        segment.append(events.encode(event) + b"\n", sync=True)
    finally:
        segment.close()
    return Probe(event.id, segment.path, time.monotonic())

"""What became of what was sent: attempts as they went over the wire, dead letters, messages, a part sent again."""

from datetime import datetime, timedelta

from notifications.delivery.models import Attempt, DeadLetter, Endpoint, Notice, Resend
from notifications.events import MEDIA_TYPE_V2, render_envelope
from notifications.log.models import Event

_HEAD = """POST /hooks/6f1 HTTP/1.1
Host: chat.example.com
User-Agent: RegistryHub/1.0
Content-Type: {media_type}
Authorization: ***
X-Hub-Signature-256: sha256=0f2a7c1b93d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e
Content-Length: {length}"""
_ANSWER_HEAD = """HTTP/1.1 503 Service Unavailable
Date: Tue, 24 Nov 2026 12:00:00 GMT
Content-Type: text/plain
Retry-After: 30
Content-Length: 57"""
_ANSWER = "upstream connect error or disconnect/reset before headers"


def fill_deliveries(head: int, now: datetime) -> None:
    """Of an endpoint that backs off, and of one that has given up a few events."""
    troubled = Endpoint.objects.get(name="chat-bridge")
    event = Event.objects.get(seq=head - 22)
    for number in range(12):
        _fail(troubled, event, now - timedelta(seconds=9 + 30 * (11 - number)))
    lake = Endpoint.objects.get(name="audit-lake")
    for number, error in enumerate(("answered 422 Unprocessable Content", "no answer within 5 s") * 3):
        _give_up(lake, Event.objects.get(seq=head - 300 + number), error, now - timedelta(hours=number + 1))
    Resend.objects.create(
        endpoint=lake,
        send_to=lake,
        first_seq=head - 350,
        last_seq=head - 200,
        position=head - 260,
        sent=84,
        skipped=6,
        asked_by="admin",
        created_at=now - timedelta(minutes=2),
    )
    text = "nothing has been delivered for 6 min, in 12 attempts; after 12 min it is disabled"
    Notice.objects.create(endpoint=troubled, kind=Notice.Kind.ALERT, level=50, text=text, created_at=now)
    Notice.objects.create(endpoint=lake, kind=Notice.Kind.RECOVERED, text="it takes events again", created_at=now)


def _fail(endpoint: Endpoint, event: Event, moment: datetime) -> None:
    body = render_envelope([{"id": event.event_id, "action": event.action, "target": {"repository": event.repository}}])
    Attempt.objects.create(
        endpoint=endpoint,
        is_success=False,
        first_seq=event.seq,
        seq=event.seq,
        event_id=event.event_id,
        attempted_at=moment,
        duration_seconds=0.041,
        look_up_seconds=0.002,
        connect_seconds=0.008,
        tls_seconds=0.016,
        first_byte_seconds=0.014,
        durations={"35": 1},
        status=503,
        error="answered 503 Service Unavailable",
        request_head=_HEAD.format(media_type=MEDIA_TYPE_V2, length=len(body)).replace("\n", "\r\n"),
        request_body=body.decode(),
        answer_head=_ANSWER_HEAD.replace("\n", "\r\n"),
        answer=_ANSWER,
        next_try_at=moment + timedelta(seconds=30),
    )


def _give_up(endpoint: Endpoint, event: Event, error: str, moment: datetime) -> None:
    DeadLetter.objects.create(
        endpoint=endpoint,
        reason=DeadLetter.Reason.ATTEMPTS,
        seq=event.seq,
        event_id=event.event_id,
        action=event.action,
        repository=event.repository,
        tag=event.tag,
        document=event.raw,
        attempts=8,
        error=error,
        created_at=moment,
    )

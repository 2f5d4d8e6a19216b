"""`POST /api/v1/events` and `/api/v1/events/<source>` on the data plane: the events of other registries come in.

Store once, answer, then work: an envelope is one row of raw bytes, which the sequencer takes apart later. It is never
refused because of single events: a registry would send it for ever, and everything behind it would wait.
"""

import logging
import re
from collections.abc import Callable, Iterable
from typing import Any

from django.db import InterfaceError, OperationalError, transaction

from notifications.events import MEDIA_TYPE_V1, MEDIA_TYPE_V2
from notifications.log import intake
from notifications.receiver.adapters.acr import find_validation_code
from notifications.receiver.arrivals import complete
from notifications.receiver.bodies import discard_body
from notifications.receiver.door import authenticate
from notifications.receiver.envelopes import open_envelope, tally
from notifications.receiver.errors import MEDIA_TYPE_UNSUPPORTED
from notifications.receiver.pace import check_pace, keep_busy
from notifications.receiver.replays import is_new
from registryhub.access.models import SOURCE_NAME
from registryhub.config.hub import Limits
from registryhub.database.transactions import release_connection
from registryhub.http.request import Request
from registryhub.http.response import Response, StartResponse, json_response
from registryhub.oci.errors import UNAVAILABLE, UNKNOWN, OciError

PATH = re.compile(rf"/api/v1/events(?:/(?P<source>{SOURCE_NAME}))?/?")
"""Where envelopes are posted."""

WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

MEDIA_TYPES = (
    MEDIA_TYPE_V2,
    MEDIA_TYPE_V1,
    "application/json",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
)
RETRY_AFTER_SECONDS = 1

logger = logging.getLogger(__name__)


def build_app(limits: Limits) -> WsgiApp:
    """The receiver as one WSGI callable. Path and method are the dispatcher's to check."""

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        return answer(Request(environ), limits).send(start_response)

    return app


def answer(request: Request, limits: Limits) -> Response:
    """Take an envelope in, or say why not."""
    try:
        return post(request, limits)
    except OciError as error:
        discard_body(request, 2 * limits.envelope_bytes)
        return json_response(error.document(), error.code.status, error.headers)
    except (OperationalError, InterfaceError) as error:
        logger.warning("an envelope was refused, the database does not answer: %s", error)
        return _unavailable()
    except Exception:
        logger.exception("an envelope was refused")
        return json_response(OciError(UNKNOWN).document(), UNKNOWN.status)
    finally:
        release_connection()


def post(request: Request, limits: Limits) -> Response:
    """202 with the counts as known at intake. Raises OciError and the database's errors; then nothing is stored."""
    claim = authenticate(request, named_source(request.path))
    check_media_type(request)
    if claim.source:
        check_pace(claim.source)
    release_connection()
    body = claim.read(request, limits.envelope_bytes)
    source = claim.prove(body)
    message = claim.name_message(body)
    if code := asked_to_validate(request, body):
        return json_response({"validationResponse": code}, 200)
    body = complete(request, body)
    envelope = open_envelope(body, limits.envelope_events)
    counts = tally(source.pk, envelope)
    if counts.accepted or counts.quarantined:
        with transaction.atomic():
            if not is_new(source, message):
                return json_response(counts.as_duplicates().document(), 202)
            keep_busy(source, counts.accepted + counts.quarantined)
            intake.store(source_id=source.pk, kind="distribution", raw=body)
    return json_response(counts.document(), 202)


def named_source(path: str) -> str:
    """The name of the source in the path; "" when it names none."""
    found = PATH.fullmatch(path)
    return (found["source"] or "") if found else ""


def asked_to_validate(request: Request, body: bytes) -> str | None:
    """The code that Event Grid wants to hear back, in a 200, before it sends anything."""
    is_asked = request.header("aeg-event-type") == "SubscriptionValidation"
    return find_validation_code(body) if is_asked else None


def check_media_type(request: Request) -> None:
    """Parameters are ignored, and so is a missing type: what counts is that the body is JSON. Raises OciError 415."""
    accepted = f"send one of {', '.join(MEDIA_TYPES)}"
    found = (request.header("Content-Type") or "").partition(";")[0].strip().lower()
    if found and found not in MEDIA_TYPES:
        raise OciError(MEDIA_TYPE_UNSUPPORTED, f"{found} is not understood; {accepted}")
    encoding = request.header("Content-Encoding") or "identity"
    if encoding.lower() != "identity":
        raise OciError(MEDIA_TYPE_UNSUPPORTED, f"Content-Encoding {encoding} is not understood; send plain JSON")


def _unavailable() -> Response:
    error = OciError(UNAVAILABLE, "the database does not answer; send the envelope again")
    return json_response(error.document(), UNAVAILABLE.status, [("retry-after", str(RETRY_AFTER_SECONDS))])

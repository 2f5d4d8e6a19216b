"""Who may post events: a source, proven by one of its tokens or by a signature of what it posts."""

import base64
import binascii
from dataclasses import dataclass
from math import ceil

from notifications.receiver.bodies import read_body
from notifications.receiver.signatures import SIGNED_BYTES, Signature, check_signature, find_signature
from notifications.signing import BadSignature
from registryhub.access import throttle, tokens
from registryhub.access.models import HUB_SOURCE_ID, Source
from registryhub.http.request import Request
from registryhub.oci.errors import TOOMANYREQUESTS, UNAUTHORIZED, OciError

_CHALLENGES = (
    ("www-authenticate", 'Bearer realm="RegistryHub events"'),
    ("www-authenticate", 'Basic realm="RegistryHub events", charset="UTF-8"'),
)
_MEND = "send `Authorization: Bearer TOKEN` with a token that `manage.py create_source NAME` printed"
_MEND_SIGNATURE = "sign with the secret that was shown when the source got it, and post to /api/v1/events/NAME"


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom a request says it is from. Without a signature it was proven by its token already."""

    source: Source | None
    name: str = ""
    address: str = ""
    signature: Signature | None = None

    def read(self, request: Request, limit_bytes: int) -> bytes:
        """The body; less of one that nobody has proven yet. Raises OciError, as `read_body` does."""
        if self.signature is None or limit_bytes <= SIGNED_BYTES:
            return read_body(request, limit_bytes)
        return read_body(request, SIGNED_BYTES, mend="use a token")

    def prove(self, body: bytes) -> Source:
        """The source. Raises OciError UNAUTHORIZED for a signature that does not fit; such guesses are counted."""
        guessed = f"source:{self.name}"
        if self.signature is not None:
            try:
                check_signature(self.source, self.signature, body)
            except BadSignature as error:
                throttle.note_failure(self.address, guessed)
                raise _unauthorized(f"{error}; {_MEND_SIGNATURE}") from error
            throttle.note_success(self.address, guessed)
        if self.source is None:
            raise _unauthorized(_MEND_SIGNATURE)
        return self.source

    def name_message(self, body: bytes) -> str:
        """Of a signed message, once it is proven; "" when nothing tells it from one like it."""
        return self.signature.name_message(body) if self.signature else ""


def authenticate(request: Request, name: str = "") -> Claim:
    """By the token in the request, else by its signature, for which the URL must name the source.

    Raises OciError UNAUTHORIZED, TOOMANYREQUESTS for who has guessed too often, and django.db.OperationalError when
    the database does not answer. Nothing of the body is read.
    """
    secret = _token(request)
    if secret:
        return Claim(_by_token(secret, name))
    signature = find_signature(request)
    if signature is None:
        raise _unauthorized(f"no token was sent, and no signature; {_MEND}")
    if not name:
        raise _unauthorized(f"who signs must say who it is; {_MEND_SIGNATURE}")
    address = request.remote_address
    try:
        throttle.check(address, f"source:{name}")
    except throttle.Throttled as error:
        wait = str(ceil(error.retry_after_seconds))
        told = f"too many wrong signatures; come again in {wait} s"
        raise OciError(TOOMANYREQUESTS, told, headers=(("retry-after", wait),)) from error
    source = Source.objects.filter(name=name, is_enabled=True).exclude(pk=HUB_SOURCE_ID).first()
    return Claim(source, name, address, signature)


def _by_token(secret: str, name: str) -> Source:
    source = tokens.find_source(secret)
    if source is None or source.is_hub:
        raise _unauthorized(f"the token is wrong, has expired, or its source is disabled; {_MEND}")
    if name and source.name != name:
        raise _unauthorized(f"the token is not one of the source that the URL names; {_MEND}")
    return source


def _token(request: Request) -> str:
    authorization = request.header("Authorization")
    if not authorization:
        return request.query.get("token", "")
    secret = _secret(authorization)
    if not secret:
        raise _unauthorized(f"the header Authorization is none of Bearer, Token and Basic; {_MEND}")
    return secret


def _secret(authorization: str) -> str:
    scheme, _, value = authorization.strip().partition(" ")
    if scheme.lower() in ("bearer", "token"):
        return value.strip()
    if scheme.lower() == "basic":
        return _password(value.strip())
    return ""


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _unauthorized(detail: str) -> OciError:
    return OciError(UNAUTHORIZED, detail, headers=_CHALLENGES)

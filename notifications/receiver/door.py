"""Who may post events: a source, proven by one of its tokens."""

import base64
import binascii

from registryhub.access import tokens
from registryhub.access.models import Source
from registryhub.oci.errors import UNAUTHORIZED, OciError

_CHALLENGES = (
    ("www-authenticate", 'Bearer realm="RegistryHub events"'),
    ("www-authenticate", 'Basic realm="RegistryHub events", charset="UTF-8"'),
)
_MEND = "send `Authorization: Bearer TOKEN` with a token that `manage.py create_source NAME` printed"


def authenticate(authorization: str | None) -> Source:
    """The source whose token the header carries: as Bearer, as Token, or as the password of Basic (any user name).

    Raises OciError UNAUTHORIZED, and django.db.OperationalError when the database does not answer.
    """
    if not authorization:
        raise _unauthorized(f"no token was sent; {_MEND}")
    secret = _secret(authorization)
    if not secret:
        raise _unauthorized(f"the header Authorization is none of Bearer, Token and Basic; {_MEND}")
    source = tokens.find_source(secret)
    if source is None or source.is_hub:
        raise _unauthorized(f"the token is wrong, has expired, or its source is disabled; {_MEND}")
    return source


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

"""Senders that sign instead of sending a token: the source is named in the URL, and one of its secrets fits.

GitHub and all who sign like it (`X-Hub-Signature-256: sha256=…`), Gitea (`X-Gitea-Signature`, hexadecimal), and
Standard Webhooks (`webhook-id`, `webhook-timestamp`, `webhook-signature`), which alone says when it was signed.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from notifications import signing
from registryhub.access.models import Source
from registryhub.access.source_secrets import read_secrets
from registryhub.http.request import Request

SIGNED_BYTES = 16 << 20
"""The most that is signed: it is in memory before anybody has proven who he is. 10,000 events fit."""

_STANDARD = ("webhook-id", "webhook-timestamp", "webhook-signature")
_OF_THE_BODY = ("X-Hub-Signature-256", "X-Gitea-Signature", "X-Forgejo-Signature")
_NOBODYS = (secrets.token_hex(16),)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request is signed by: the three headers of Standard Webhooks, or one of the body alone."""

    standard: Mapping[str, str]
    of_the_body: str

    def name_message(self, body: bytes) -> str:
        """What tells a message that was checked from all others of its sender; "" where nothing says when it was made.

        Of what is signed alone: a header may hold other signatures besides.
        """
        if not self.standard:
            return ""
        head = f"{self.standard['webhook-id']}.{int(self.standard['webhook-timestamp'])}."
        return sha256(head.encode() + body).hexdigest()

    def check(self, secret: str, body: bytes) -> None:
        """Raises BadSignature and BadSecret."""
        if self.standard:
            signing.verify(secret, self.standard, body, now=time.time())
        else:
            signing.verify_body(secret, self.of_the_body, body)


def find_signature(request: Request) -> Signature | None:
    """None for a request that is not signed. Of several the one that says when it was made counts."""
    standard = {name: value for name in _STANDARD if (value := request.header(name))}
    of_the_body = next((value for name in _OF_THE_BODY if (value := request.header(name))), "")
    return Signature(standard, of_the_body) if standard or of_the_body else None


def check_signature(source: Source | None, signature: Signature, body: bytes) -> None:
    """Against each of the source's secrets; for a source that is not there it takes as long. Raises BadSignature."""
    refusal = signing.BadSignature("the source has no secret, or is not there")
    known: Sequence[str] = read_secrets(source) if source else ()
    for secret in known or _NOBODYS:
        try:
            signature.check(secret, body)
        except signing.BadSignature as error:
            refusal = error
        except signing.BadSecret:
            continue  # not one of the kind: by the other kinds of signature it may be known
        else:
            if known:
                return
    raise refusal

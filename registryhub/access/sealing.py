"""Secrets that must be read back, encrypted in their rows with a key made from the hub's SECRET_KEY."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


class Unsealable(Exception):
    """What was sealed cannot be read; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Each purpose has a key of its own: what is sealed for one cannot be passed off as another's."""

    purpose: str

    def seal(self, secrets: Mapping[str, Any]) -> str:
        """Encrypt; "" for nothing."""
        return self._fernet().encrypt(json.dumps(secrets).encode()).decode() if secrets else ""

    def unseal(self, sealed: str) -> dict[str, Any]:
        """What was sealed. Raises Unsealable."""
        if not sealed:
            return {}
        try:
            found: dict[str, Any] = json.loads(self._fernet().decrypt(sealed.encode()))
        except InvalidToken:
            raise Unsealable("its secrets were encrypted under another SECRET_KEY; enter them again") from None
        return found

    def _fernet(self) -> Fernet:
        key = f"{self.purpose}\0{settings.SECRET_KEY}".encode()
        return Fernet(base64.urlsafe_b64encode(sha256(key).digest()))

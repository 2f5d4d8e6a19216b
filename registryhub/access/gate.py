"""Who may talk to `/v2/`, first form: everybody, or the users of an htpasswd file (reference D)."""

import base64
import binascii
import logging
import os
import threading
import time
from collections import OrderedDict
from hashlib import blake2b
from math import ceil
from pathlib import Path
from typing import Protocol

from registryhub.access import throttle
from registryhub.access.htpasswd import Htpasswd, create_missing_file
from registryhub.access.robots import DEPLOYER, is_robot
from registryhub.config.model import Config
from registryhub.oci.errors import TOOMANYREQUESTS, UNAUTHORIZED, UNAVAILABLE, OciError

logger = logging.getLogger(__name__)

REMEMBER_SECONDS = 30.0
REMEMBER_COUNT = 4096


class Gate(Protocol):
    """Decides by the Authorization header alone; what a name may do with a repository comes after it."""

    def authorize(self, authorization: str | None, address: str) -> str:
        """The name of whoever asks, "" for the anonymous. Raises OciError (401 with a challenge, 429, 503)."""
        ...


class OpenGate:
    """No `auth` is configured. A user name that nothing proves is no actor (section L of the reference)."""

    def authorize(self, authorization: str | None, address: str) -> str:
        return ""


class HtpasswdGate:
    """HTTP Basic against an htpasswd file.

    A right password is remembered for REMEMBER_SECONDS or until the file changes, under a keyed hash: bcrypt at
    cost 10 takes 50 ms and would be paid for every request.
    """

    def __init__(self, realm: str, path: Path) -> None:
        self._challenge = (("www-authenticate", f'Basic realm="{realm}"'),)
        self._file = Htpasswd(path)
        self._key = os.urandom(32)
        self._remembered: OrderedDict[bytes, tuple[float, tuple[int, int, int], str]] = OrderedDict()
        self._lock = threading.Lock()
        self._in_flight: dict[bytes, threading.Lock] = {}

    def authorize(self, authorization: str | None, address: str) -> str:
        if not authorization:
            raise self._unauthorized()
        fingerprint = blake2b(authorization.encode("utf-8", "surrogateescape"), key=self._key, digest_size=16).digest()
        try:
            return self._recall(fingerprint) or self._verify(fingerprint, authorization, address)
        except OSError as error:
            logger.error("htpasswd: %s", error)
            raise OciError(UNAVAILABLE, "the registry's htpasswd file cannot be read") from error
        except throttle.Throttled as error:
            retry_after = ("retry-after", str(ceil(error.retry_after_seconds)))
            raise OciError(TOOMANYREQUESTS, str(error), headers=(retry_after,)) from error

    def _recall(self, fingerprint: bytes) -> str | None:
        found = self._remembered.get(fingerprint)
        if found is None:
            return None
        expires, version, username = found
        if time.monotonic() > expires or version != self._file.version():
            with self._lock:
                self._remembered.pop(fingerprint, None)
            return None
        return username

    def _verify(self, fingerprint: bytes, authorization: str, address: str) -> str:
        username, password = self._credentials(authorization)
        with self._one_at_a_time(fingerprint):
            known = self._recall(fingerprint)
            if known:
                return known
            version = self._file.version()
            if is_robot(username, password):
                self._remember(fingerprint, version, username)
                return username
            throttle.check(address, username)
            if username == DEPLOYER or not self._file.is_valid(username, password):
                throttle.note_failure(address, username)
                raise self._unauthorized()
            throttle.note_success(address, username)
            self._remember(fingerprint, version, username)
        return username

    def _one_at_a_time(self, fingerprint: bytes) -> threading.Lock:
        with self._lock:
            if len(self._in_flight) > REMEMBER_COUNT:
                self._in_flight.clear()
            return self._in_flight.setdefault(fingerprint, threading.Lock())

    def _remember(self, fingerprint: bytes, version: tuple[int, int, int], username: str) -> None:
        with self._lock:
            self._remembered[fingerprint] = (time.monotonic() + REMEMBER_SECONDS, version, username)
            while len(self._remembered) > REMEMBER_COUNT:
                self._remembered.popitem(last=False)

    def _credentials(self, authorization: str) -> tuple[str, str]:
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            raise self._unauthorized()
        try:
            text = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise self._unauthorized() from error
        username, separator, password = text.partition(":")
        if not separator or not username:
            raise self._unauthorized()
        return username, password

    def _unauthorized(self) -> OciError:
        return OciError(UNAUTHORIZED, headers=self._challenge)


def gate_from_config(config: Config) -> Gate:
    """The gate that `auth` asks for. Raises OSError when a missing htpasswd file cannot be made."""
    if config.auth is None or config.auth.htpasswd is None:
        return OpenGate()
    create_missing_file(config.auth.htpasswd.path)
    return HtpasswdGate(config.auth.htpasswd.realm, config.auth.htpasswd.path)

"""The htpasswd file (reference D.6): `user:bcrypt hash` a line, re-read when it changes."""

import base64
import logging
import os
import secrets
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import bcrypt

logger = logging.getLogger(__name__)

_BCRYPT_PREFIXES = ("$2a$", "$2b$", "$2y$")
_DUMMY_HASH = bcrypt.hashpw(b"nobody", bcrypt.gensalt(10))
_MAX_PASSWORD_BYTES = 72  # bcrypt reads no further, and the library refuses longer ones


@dataclass(frozen=True, slots=True)
class _Content:
    version: tuple[int, int, int]
    hashes: dict[str, bytes]


class Htpasswd:
    """The users of one file. Only bcrypt verifies; a line that cannot be used is named in the log and skipped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content: _Content | None = None
        self._lock = threading.Lock()

    def version(self) -> tuple[int, int, int]:
        """Changes whenever the file does. Raises OSError when it cannot be read."""
        status = os.stat(self._path)
        return status.st_mtime_ns, status.st_size, status.st_ino

    def is_valid(self, username: str, password: str) -> bool:
        """Pays one bcrypt, also for users that do not exist. Raises OSError when the file cannot be read."""
        stored = self._hashes().get(username)
        secret = password.encode()[:_MAX_PASSWORD_BYTES]
        is_match = bcrypt.checkpw(secret, stored or _DUMMY_HASH) if b"\x00" not in secret else False
        return is_match and stored is not None

    def _hashes(self) -> dict[str, bytes]:
        version = self.version()
        with self._lock:
            if self._content is None or self._content.version != version:
                self._content = _Content(version, _parse(self._path))
            return self._content.hashes


def _parse(path: Path) -> dict[str, bytes]:
    hashes = {}
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), start=1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        username, _, stored = entry.partition(":")
        if not stored.startswith(_BCRYPT_PREFIXES):
            logger.warning(
                "%s line %d: no bcrypt hash, so nobody can log in by it; make one with `htpasswd -B`", path, number
            )
            continue
        hashes[username] = stored.encode()
    return hashes


def create_missing_file(path: Path) -> None:
    """As the reference does: a missing file is made with the user `docker` and a random password, which is logged.

    Of several processes at once one writes; the others use its file. Raises OSError.
    """
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    password = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".htpasswd-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(b"docker:" + bcrypt.hashpw(password.encode(), bcrypt.gensalt()) + b"\n")
    try:
        os.link(name, path)
    except FileExistsError:
        return
    finally:
        os.unlink(name)
    logger.warning("htpasswd is missing, provisioning %s with a new user: docker, password: %s", path, password)

"""Whom an endpoint trusts, and what it shows of itself: the TLS of one endpoint."""

import os
import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Tls:
    """PEM: authorities instead of the system's, in a file or as text, and files of a certificate to show, with its key
    unless that is in the same file. `verifies` is whether the other side must prove who it is.
    """

    authorities: Path | str | None = None
    certificate: Path | None = None
    key: Path | None = None
    verifies: bool = True


SYSTEM = Tls()
"""What the system trusts, and nothing to show."""


class Contexts:
    """The context of TLS for each new connection: made anew when one of the files has changed."""

    def __init__(self, tls: Tls) -> None:
        self._tls = tls
        self._files = [path for path in (tls.authorities, tls.certificate, tls.key) if isinstance(path, Path)]
        self._made_of: list[tuple[int, int, int]] | None = None
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Raises OSError that names the file."""
        found = [_identify(path) for path in self._files]
        if self._context is None or found != self._made_of:
            self._context = make_context(self._tls)
            self._made_of = found
        return self._context


def make_context(tls: Tls) -> ssl.SSLContext:
    """Raises OSError that names the file."""
    authorities = tls.authorities
    try:
        if isinstance(authorities, str):
            context = ssl.create_default_context(cadata=authorities)
        else:
            context = ssl.create_default_context(cafile=authorities)
    except ssl.SSLError:
        raise OSError(f"tls.ca: {tls.authorities} holds no certificate in PEM") from None
    if tls.certificate is not None:
        try:
            context.load_cert_chain(tls.certificate, tls.key, password=_no_password)
        except (ssl.SSLError, ValueError):
            message = f"tls.certificate: {tls.certificate} and its key are no pair in PEM without a password"
            raise OSError(message) from None
    if not tls.verifies:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _no_password() -> str:
    """Instead of a prompt on the terminal."""
    raise ValueError


def _identify(path: Path) -> tuple[int, int, int]:
    try:
        found = os.stat(path)
    except OSError as error:
        raise OSError(f"{path}: {error.strerror}") from None
    return found.st_ino, found.st_size, found.st_mtime_ns

"""TLS of the relay's own: one context for each process, which takes up renewed certificates while it serves."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["CertificateError", "CertificateFiles"]

_LOOK_SECONDS = 1.0  # requests must not become looks at a disk

_Stamp = tuple[tuple[int, int], ...]


class CertificateError(Exception):
    """The files hold no certificate with its key. The message is one sentence."""


class CertificateFiles:
    """A certificate with its chain, and its key, in PEM; *key* is None if both are in one file."""

    def __init__(
        self, certificate: Path, key: Path | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.certificate = certificate
        self._key = key
        self._clock = clock
        self._looked_at = clock()
        self._stamp: _Stamp = ()
        self._context: ssl.SSLContext | None = None

    def check(self) -> None:
        """Return if the files can be used.

        Raises:
            CertificateError: they cannot.
        """
        self._load(_make_context())

    def open(self) -> ssl.SSLContext:
        """Return the context of this process. It speaks TLS 1.2 and 1.3, HTTP/1.1, and asks for no client certificate.

        Raises:
            CertificateError: the files cannot be used.
        """
        # Not earlier: under gevent `ssl` holds another class in the processes that serve.
        stamp, context = self._read_stamp(), _make_context()
        self._load(context)
        self._stamp, self._context = stamp, context
        return context

    def renew(self) -> bool:
        """Let later connections get the files' new certificate if they have changed; say whether they do.

        Raises:
            CertificateError: the new files cannot be used. The last good certificate stays, and this is raised once.
        """
        now = self._clock()
        if self._context is None or now - self._looked_at < _LOOK_SECONDS:
            return False
        self._looked_at = now
        if (stamp := self._read_stamp()) == self._stamp:
            return False
        self._stamp = stamp
        # First apart: a certificate whose key does not fit would be half in place.
        self.check()
        self._load(self._context)
        return True

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self.certificate, self._key, password=_refuse_password)
        except ssl.SSLError as error:
            files = f"{self.certificate}{f' and {self._key}' if self._key else ''}"
            raise CertificateError(f"{files} are no PEM certificate with its unencrypted key.") from error
        except OSError as error:
            missing = [str(file) for file in (self.certificate, self._key) if file and not file.is_file()]
            raise CertificateError(f"{' and '.join(missing) or 'they'} cannot be read ({error.strerror}).") from error

    def _read_stamp(self) -> _Stamp:
        stamps = []
        for file in (self.certificate, self._key):
            if file is None:
                continue
            try:
                seen = file.stat()
            except OSError:
                # In the middle of a renewal; the next look sees it whole.
                return self._stamp
            stamps.append((seen.st_mtime_ns, seen.st_ino))
        return tuple(stamps)


def _make_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def _refuse_password() -> str:
    # Without this OpenSSL would ask on the terminal.
    return ""

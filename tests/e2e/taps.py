"""A listener on the line: passes every byte on, and keeps it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Tap:
    """What came past, in both directions.

    Attributes:
        url: where to connect in the place of the other side.
    """

    def __init__(self, listener: socket.socket, port: int) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._listener = listener
        self._port = port
        self._lock = threading.Lock()
        self._seen = bytearray()
        self._open: list[socket.socket] = []

    @property
    def seen(self) -> bytes:
        """Every byte so far."""
        with self._lock:
            return bytes(self._seen)

    def clear(self) -> None:
        """Forget what came past."""
        with self._lock:
            self._seen.clear()

    def listen(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._port))
                self._open += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._pass_on, args=(source, target), daemon=True).start()

    def close(self) -> None:
        """Close every connection."""
        # Also wakes `accept`, which closing alone does not.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for connection in (self._listener, *self._open):
            connection.close()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                with self._lock:
                    self._seen += data
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextmanager
def tap_line(port: int) -> Iterator[Tap]:
    """Listen on the line to *port* of this computer until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        tap = Tap(listener, port)
        thread = threading.Thread(target=tap.listen, daemon=True)
        thread.start()
        try:
            yield tap
        finally:
            tap.close()
            thread.join(10)

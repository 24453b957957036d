"""A static server for the built page, as a plain host would serve it."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseServer
from typing import Any

from tools.policies import parse_headers
from tools.ports import LOOPBACK

_TYPES = {
    **SimpleHTTPRequestHandler.extensions_map,
    # Named here because the machine's own table may lack them or say otherwise.
    ".css": "text/css",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
}


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """Serve *folder* on a free port of this computer, with the headers of its `_headers` file; yield the address.

    The address has no slash at its end: `http://127.0.0.1:49152`.
    """
    headers = parse_headers((folder / "_headers").read_text())
    handler = partial(_Handler, directory=str(folder), headers=headers)
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(SimpleHTTPRequestHandler):
    """Serves files, adds the page's headers, keeps silent."""

    extensions_map = _TYPES

    def __init__(
        self, request: object, address: object, server: BaseServer, *, directory: str, headers: Mapping[str, str]
    ) -> None:
        self._page_headers = headers
        super().__init__(request, address, server, directory=directory)  # type: ignore[arg-type]

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send a file, or as much of it as the browser waits for."""
        with suppress(ConnectionError):
            super().copyfile(source, outputfile)

    def end_headers(self) -> None:
        """Add the page's headers, and let no copy be kept between two builds."""
        for name, value in {**self._page_headers, "Cache-Control": "no-cache"}.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
        """Keep silent: what the tests print is for people."""

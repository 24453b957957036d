"""A static server for the built page, as a plain host would serve it."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http import HTTPStatus
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

# Content codings, the best first, and what their copies' names end in.
_SUFFIXES = {"br": ".br", "gzip": ".gz", "": ""}


@contextmanager
def serve_folder(folder: Path, *, asked: list[str] | None = None) -> Iterator[str]:
    """Serve *folder* on a free port of this computer, with the headers of its `_headers` file; yield the address.

    The address has no slash at its end: `http://127.0.0.1:49152`. The path of every request is added to *asked*.
    """
    rules = (folder / "_headers").read_text()
    handler = partial(_Handler, directory=str(folder), rules=rules, asked=[] if asked is None else asked)
    with ThreadingHTTPServer((LOOPBACK, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _choose_encoding(file: Path, accepted: str) -> str:
    """Return the content coding of the copy of *file* to send, the best one *accepted*; empty for the file itself."""
    refused = re.compile(r";\s*q=0(\.0*)?$")
    names = {part.partition(";")[0].strip() for part in accepted.split(",") if not refused.search(part.strip())}
    for encoding, suffix in _SUFFIXES.items():
        if encoding in names and Path(f"{file}{suffix}").is_file():
            return encoding
    return ""


class _Handler(SimpleHTTPRequestHandler):
    """Serves files, adds the page's headers, keeps silent."""

    extensions_map = _TYPES

    def __init__(
        self, request: object, address: object, server: BaseServer, *, directory: str, rules: str, asked: list[str]
    ) -> None:
        self._rules = rules
        self._asked = asked
        self._encoding = ""
        self._is_found = False
        super().__init__(request, address, server, directory=directory)  # type: ignore[arg-type]

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send a file, or as much of it as the browser waits for."""
        with suppress(ConnectionError):
            super().copyfile(source, outputfile)

    def parse_request(self) -> bool:
        """Note what is asked for."""
        is_well = super().parse_request()
        if is_well:
            self._asked.append(self.path)
        return is_well

    def send_response(self, code: int, message: str | None = None) -> None:
        """Remember whether there is anything to keep."""
        self._is_found = code in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED}
        super().send_response(code, message)

    def translate_path(self, path: str) -> str:
        """Return the file for *path*, or the compressed copy of it that the browser takes."""
        file = Path(super().translate_path(path))
        if (file / "index.html").is_file() and path.partition("?")[0].endswith("/"):
            file /= "index.html"
        self._encoding = _choose_encoding(file, self.headers.get("Accept-Encoding", ""))
        return f"{file}{_SUFFIXES[self._encoding]}"

    def guess_type(self, path: Any) -> str:
        """Return the type of what is in the copy."""
        return super().guess_type(str(path).removesuffix(_SUFFIXES[self._encoding]))

    def end_headers(self) -> None:
        """Add the page's headers; what has no other rule is asked for anew."""
        headers = parse_headers(self._rules, self.path.partition("?")[0])
        if "Cache-Control" not in headers or not self._is_found:
            headers["Cache-Control"] = "no-cache"
        if self._encoding:
            headers["Content-Encoding"] = self._encoding
        for name, value in {**headers, "Vary": "Accept-Encoding"}.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
        """Keep silent: what the tests print is for people."""

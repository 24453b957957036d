"""Makes waitress as strict about a request's head as gunicorn is.

Waitress reads some heads kindly that a server in front of it may read otherwise, and between two readings a second
request can be hidden (CWE-444). Gunicorn refuses all of these by itself.
"""

from __future__ import annotations

import re
from typing import Any

from waitress.parser import HTTPRequestParser, ParsingError  # type: ignore[import-untyped]

__all__ = ["StrictParser"]

_START_LINE = re.compile(rb"\S+ \S+ HTTP/1\.[01]")


class StrictParser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """Reads one request."""

    def parse_header(self, header_plus: bytes) -> Any:
        """Read the head, unless it can be read in two ways."""
        start, *lines = header_plus.removesuffix(b"\r\n\r\n").removesuffix(b"\r\n").split(b"\r\n")
        # The sentences name no value: waitress's own would quote the line, and with it a key.
        if not _START_LINE.fullmatch(start.rstrip()):
            raise ParsingError("Start line is invalid")
        if any(b"\r" in line or b"\n" in line for line in lines):
            raise ParsingError("Bare CR or LF in a header")
        if any(line.startswith((b" ", b"\t")) for line in lines):
            raise ParsingError("Obsolete line folding")
        names = [line.partition(b":")[0].strip().lower() for line in lines]
        if b"transfer-encoding" in names and (b"content-length" in names or start.rstrip().endswith(b"1.0")):
            raise ParsingError("Transfer-Encoding with another way to tell the body's length")
        if any(names.count(name) > 1 for name in (b"host", b"content-length", b"transfer-encoding")):
            raise ParsingError("A header that may be there once is there twice")
        return super().parse_header(header_plus)

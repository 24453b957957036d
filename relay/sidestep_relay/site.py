"""Serves a built page from a folder, so that page and relay share an origin and need neither CORS nor a prompt."""

from __future__ import annotations

import fnmatch
from pathlib import Path

from flask import Flask, Response, abort, request, send_from_directory
from werkzeug.security import safe_join

__all__ = ["add_site", "read_header_rules"]

HeaderRules = list[tuple[str, list[tuple[str, str]]]]

_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".whl": "application/zip",
    ".woff2": "font/woff2",
    ".zip": "application/zip",
}
"""Fixed here: what the operating system believes about `.mjs` or `.wasm` decides otherwise whether a page runs.

Flask adds the character set to text.
"""


_SUFFIXES = {"br": ".br", "gzip": ".gz", "": ""}
"""Content codings, the best first, and what the names of the copies end in that were compressed ahead of time."""


def add_site(app: Flask, folder: Path) -> None:
    """Let *app* answer GET and HEAD for the files of *folder*, with the headers that its `_headers` file asks for."""
    root = folder.resolve()
    rules = read_header_rules(root / "_headers")

    @app.get("/", defaults={"path": "index.html"}, endpoint="site_index")
    @app.get("/<path:path>", endpoint="site")
    def serve(path: str) -> Response:
        if any(step.startswith((".", "_headers")) for step in path.split("/")):
            abort(404)
        kind = _TYPES.get(Path(path).suffix.lower(), "application/octet-stream")
        encoding = _choose_encoding(root, path)
        # Flask refuses paths that leave the folder, and answers If-None-Match and ranges.
        response = send_from_directory(root, path + _SUFFIXES[encoding], mimetype=kind, max_age=0)
        if encoding:
            response.content_encoding = encoding
        response.vary.add("Accept-Encoding")
        for pattern, headers in rules:
            if fnmatch.fnmatchcase(request.path, pattern):
                for name, value in headers:
                    response.headers[name] = value
        return response


def _choose_encoding(root: Path, path: str) -> str:
    """Return the content coding of the copy to send, the best one that the browser takes; empty for the file itself."""
    for encoding, suffix in _SUFFIXES.items():
        copy = safe_join(str(root), path + suffix)
        if copy and request.accept_encodings.quality(encoding) > 0 and Path(copy).is_file():
            return encoding
    return ""


def read_header_rules(file: Path) -> HeaderRules:
    """Read a `_headers` file: a path pattern on a line of its own, its headers indented below (Netlify's format)."""
    rules: HeaderRules = []
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line[0].isspace():
            rules.append((line.strip(), []))
        elif rules and ":" in line:
            name, _, value = line.strip().partition(":")
            rules[-1][1].append((name.strip(), value.strip()))
    return rules

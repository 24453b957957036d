"""What the page allows itself: its import map and its content security policy."""

import base64
import hashlib
import json
from collections.abc import Mapping
from fnmatch import fnmatchcase

_CSP = {
    "default-src": "'none'",
    # Pyodide compiles WebAssembly; nothing evaluates JavaScript text.
    "script-src": "'self' 'wasm-unsafe-eval' {importmap}",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    # As wide as this because the user may add any provider and any relay, also one at http://localhost; what
    # is sent where is decided by the page's own code and the user's consent.
    "connect-src": "'self' https: http:",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
}

# What lies there never changes under its name, and a browser need never ask again (RFC 8246).
_NAMED_BY_CONTENTS = ("/app/*", "/pyodide/*")
_FOR_EVER = "public, max-age=31536000, immutable"

# Browsers ignore this one outside a real header, and complain about it.
_HEADER_ONLY = {"frame-ancestors"}


def format_import_map(modules: Mapping[str, str]) -> str:
    """Return the body of the import map that gives bare specifiers the relative addresses in *modules*."""
    return json.dumps({"imports": dict(sorted(modules.items()))}, indent=1)


def hash_inline(script: str) -> str:
    """Return the CSP source expression that allows exactly this inline *script*."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def format_csp(import_map: str, *, for_meta: bool) -> str:
    """Return the content security policy, as a header's value or *for_meta* as a meta element's content."""
    allowed = hash_inline(import_map)
    return "; ".join(
        f"{name} {value.format(importmap=allowed)}"
        for name, value in _CSP.items()
        if not (for_meta and name in _HEADER_ONLY)
    )


def format_headers(import_map: str) -> str:
    """Return the `_headers` file that Netlify and Cloudflare Pages read, and our own servers too."""
    headers = {
        "Content-Security-Policy": format_csp(import_map, for_meta=False),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    }
    rules = {"/*": headers, **{pattern: {"Cache-Control": _FOR_EVER} for pattern in _NAMED_BY_CONTENTS}}
    return "".join(
        f"{pattern}\n" + "".join(f"  {name}: {value}\n" for name, value in fields.items())
        for pattern, fields in rules.items()
    )


def parse_headers(text: str, path: str = "/") -> dict[str, str]:
    """Return the headers that a `_headers` file wants for *path*; a later block's go before an earlier one's."""
    headers: dict[str, str] = {}
    is_meant = False
    for line in text.splitlines():
        if line and not line[0].isspace():
            is_meant = fnmatchcase(path, line.strip())
        elif is_meant and ":" in line:
            name, _, value = line.strip().partition(":")
            headers[name] = value.strip()
    return headers

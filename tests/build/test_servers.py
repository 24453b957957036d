"""The static server of the tests: it serves as a plain host does."""

import gzip
from pathlib import Path
from typing import Any

import httpx
import pytest


def test_the_page_comes_with_its_headers(static_server: str) -> None:
    headers = httpx.get(f"{static_server}/").headers

    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("{interpreter}pyodide.asm.wasm", "application/wasm"),
        ("{interpreter}pyodide.mjs", "text/javascript"),
        ("{app}js/main.js", "text/javascript"),
    ],
)
def test_files_have_the_type_that_browsers_insist_on(
    static_server: str, build: dict[str, str], path: str, kind: str
) -> None:
    assert httpx.get(f"{static_server}/{path.format(**build)}").headers["Content-Type"] == kind


def test_what_is_not_there_is_not_found(static_server: str) -> None:
    answer = httpx.get(f"{static_server}/lost.js")

    assert answer.status_code == 404
    assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("identity", None), ("zstd", None)],
)
def test_a_copy_is_sent_that_the_browser_takes(
    static_server: str, app_dir: Path, build: dict[str, str], accepted: str, encoding: str | None
) -> None:
    address = f"{static_server}/{build['app']}js/page.js"
    with httpx.stream("GET", address, headers={"Accept-Encoding": accepted}) as answer:
        sent = b"".join(answer.iter_raw())
    file = app_dir / "js" / "page.js"
    assert answer.headers.get("Content-Encoding") == encoding
    assert answer.headers["Content-Type"] == "text/javascript"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert len(sent) == int(answer.headers["Content-Length"])
    if encoding != "br":
        assert (gzip.decompress(sent) if encoding else sent) == file.read_bytes()
    else:
        assert sent == file.with_name("page.js.br").read_bytes()


def test_what_is_named_by_its_contents_is_kept_for_ever(static_server: str, build: dict[str, Any]) -> None:
    for address in (f"{build['app']}js/main.js", f"{build['interpreter']}pyodide.mjs", build["snapshot"]["file"]):
        assert "immutable" in httpx.get(f"{static_server}/{address}").headers["Cache-Control"], address
    missing = httpx.get(f"{static_server}/{build['app']}js/missing.js")
    assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-cache")
    for address in ("", "index.html", "build.json", build["sidestep"]):
        assert httpx.get(f"{static_server}/{address}").headers["Cache-Control"] == "no-cache", address

"""The page, served by the relay itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient


@pytest.fixture
def site(tmp_path: Path, make_app: Callable[..., Flask]) -> FlaskClient:
    folder = tmp_path / "site"
    (folder / "js").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>page</title>")
    for name in ("js/main.mjs", "js/old.js", "app.wasm", "p.whl", "style.css", "data.json", ".secret", "odd.xyz"):
        (folder / name).write_bytes(b"content of " + name.encode())
    (folder / "_headers").write_text(
        "# for every file\n/*\n  Content-Security-Policy: default-src 'self'; connect-src *\n  X-Frame-Options: DENY\n"
        "/js/*\n  Cache-Control: max-age=60\n"
    )
    (tmp_path / "outside.txt").write_text("secret")
    return make_app(site=folder).test_client()


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/js/main.mjs", "text/javascript; charset=utf-8"),
        ("/js/old.js", "text/javascript; charset=utf-8"),
        ("/app.wasm", "application/wasm"),
        ("/p.whl", "application/zip"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/data.json", "application/json"),
        ("/odd.xyz", "application/octet-stream"),
    ],
)
def test_types_are_what_a_page_needs(site: FlaskClient, path: str, content_type: str) -> None:
    answer = site.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == content_type
    answer.close()


def test_headers_of_the_page_are_sent(site: FlaskClient) -> None:
    with site.get("/") as answer:
        assert answer.headers["Content-Security-Policy"] == "default-src 'self'; connect-src *"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert "max-age=60" not in answer.headers.get("Cache-Control", "")
    with site.get("/js/main.mjs") as answer:
        assert answer.headers["Cache-Control"] == "max-age=60"


def test_an_unchanged_file_is_not_sent_again(site: FlaskClient) -> None:
    with site.get("/app.wasm") as first:
        tag = first.headers["ETag"]
    with site.get("/app.wasm", headers={"If-None-Match": tag}) as again:
        assert again.status_code == 304
        assert again.data == b""
    with site.head("/app.wasm") as head:
        assert (head.status_code, head.data) == (200, b"")


_ENCODINGS = [
    ("br, gzip", "br", b"brotli"),
    ("gzip, deflate, br, zstd", "br", b"brotli"),
    ("gzip", "gzip", b"zipped"),
    ("br;q=0, gzip;q=0.5", "gzip", b"zipped"),
    ("identity", None, b"content of app.wasm"),
    ("", None, b"content of app.wasm"),
    ("zstd", None, b"content of app.wasm"),
]


@pytest.mark.parametrize(("accepted", "encoding", "body"), _ENCODINGS)
def test_a_copy_is_sent_that_the_browser_takes(
    site: FlaskClient, tmp_path: Path, accepted: str, encoding: str | None, body: bytes
) -> None:
    (tmp_path / "site" / "app.wasm.br").write_bytes(b"brotli")
    (tmp_path / "site" / "app.wasm.gz").write_bytes(b"zipped")
    with site.get("/app.wasm", headers={"Accept-Encoding": accepted}) as answer:
        assert (answer.headers.get("Content-Encoding"), answer.data) == (encoding, body)
        assert answer.headers["Content-Type"] == "application/wasm"
        assert "Accept-Encoding" in answer.headers["Vary"]
        tag = answer.headers["ETag"]
    with site.get("/app.wasm", headers={"Accept-Encoding": accepted, "If-None-Match": tag}) as again:
        assert again.status_code == 304


def test_copies_have_tags_of_their_own(site: FlaskClient, tmp_path: Path) -> None:
    """Or a cache would take one for the other."""
    (tmp_path / "site" / "app.wasm.br").write_bytes(b"content of app.brot")
    tags = set()
    for accepted in ("br", "identity"):
        with site.get("/app.wasm", headers={"Accept-Encoding": accepted}) as answer:
            tags.add(answer.headers["ETag"])
    assert len(tags) == 2


def test_a_copy_without_its_file_is_nothing(site: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / "outside.txt.br").write_bytes(b"secret")
    with site.get("/../outside.txt", headers={"Accept-Encoding": "br"}) as answer:
        assert answer.status_code == 404
        assert b"secret" not in answer.data


@pytest.mark.parametrize(
    "path",
    [
        "/../outside.txt", "/%2e%2e/outside.txt", "/js/../../outside.txt", "/..%2foutside.txt", "//etc/passwd",
        "/%2fetc%2fpasswd", "/.secret", "/_headers", "/js/..%5c..%5coutside.txt", "/js", "/js/", "/nothing",
        "/index.html%00",
    ],
)  # fmt: skip
def test_nothing_else_is_served(site: FlaskClient, path: str) -> None:
    with site.get(path) as answer:
        assert answer.status_code == 404
        assert b"secret" not in answer.data


def test_the_relays_own_paths_stay_its_own(site: FlaskClient) -> None:
    assert site.get("/healthz").json == {"status": "ok"}
    assert site.get("/v1/anything").status_code == 401
    assert site.post("/").status_code == 405

"""The static server of the tests: it serves as a plain host does."""

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

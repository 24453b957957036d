"""The built page on hosts that know nothing of it: below a path, without headers, with types of their own making."""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.pages import ask_demo, last_answer, open_settings, wait_for_python, wait_until_kept


class _PlainHost(SimpleHTTPRequestHandler):
    """Sends files as they are, and calls WebAssembly something else."""

    extensions_map = {  # noqa: RUF012 - the base class has it as a plain dictionary
        **SimpleHTTPRequestHandler.extensions_map,
        ".wasm": "application/octet-stream",
        ".mjs": "text/javascript",
        ".js": "text/javascript",
    }

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name for it
        """Keep silent."""


@pytest.fixture
def plain_host(site_dir: Path, tmp_path: Path) -> Iterator[str]:
    """The address of the page below a path of a plain host."""
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "path").symlink_to(site_dir)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_PlainHost, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/some/path/"
        server.shutdown()
        thread.join()


def test_a_plain_host_below_a_path_is_enough(
    new_context: Callable[..., BrowserContext], plain_host: str, static_server: str
) -> None:
    context = new_context(service_workers="allow")
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(plain_host)
    wait_for_python(page)
    open_settings(page)
    expect(page.get_by_role("region", name="Python")).to_contain_text("It began with the memory")
    page.get_by_role("link", name="Chat", exact=True).click()
    ask_demo(page)
    assert wait_until_kept(page) == plain_host
    page.reload()
    wait_for_python(page)
    expect(last_answer(page)).to_have_attribute("data-status", "done")
    assert [url for url in asked if not url.startswith(plain_host)] == []

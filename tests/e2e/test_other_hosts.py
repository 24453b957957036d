"""Sidestep in pages that are not ours: our wheel, installed by micropip, on a plain static host.

Pyodide comes from the npm package that the page carries, PyScript from the one that the tests install; nothing is asked
of another host, which the watched page proves.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.apps import PYTHON_START
from tests.fakes.providers import OpenProvider, ZaiProvider
from tests.fakes.servers import Hold, Stream
from tests.fakes.wires import DONE, write_chunk
from tests.relay.servers import run_relay
from tools.interpreters import FILES
from tools.places import NODE_MODULES
from tools.servers import serve_folder

PAGES = Path(__file__).with_name("pages")


@pytest.fixture(scope="module")
def host_dir(site_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Pyodide, PyScript, the wheels and the pages, and nothing of our site beside the wheels."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "_headers").touch()
    (folder / "pyodide").mkdir()
    for name in FILES:
        shutil.copyfile(NODE_MODULES / "pyodide" / name, folder / "pyodide" / name)
    shutil.copytree(
        NODE_MODULES / "@pyscript" / "core" / "dist", folder / "pyscript", ignore=shutil.ignore_patterns("*.map")
    )
    build = json.loads((site_dir / "build.json").read_text(encoding="utf-8"))
    shutil.copytree(site_dir / "wheels", folder / "wheels")
    put_micropip(folder / "pyodide", site_dir / build["micropip"])
    for page in PAGES.iterdir():
        text = page.read_text(encoding="utf-8")
        if page.suffix == ".html":
            text = Template(text).substitute(wheel=f"./{build['sidestep']}")
        (folder / page.name.removesuffix(".txt")).write_text(text, encoding="utf-8")
    return folder


def put_micropip(pyodide: Path, wheel: Path) -> None:
    """Put micropip beside Pyodide, where a host of the whole distribution has it.

    The lock file names the build of that distribution; this is PyPI's, of the same version.
    """
    shutil.copyfile(wheel, pyodide / wheel.name)
    lock_file = pyodide / "pyodide-lock.json"
    lock = json.loads(lock_file.read_text(encoding="utf-8"))
    row = lock["packages"]["micropip"]
    assert row["file_name"] == wheel.name
    row["sha256"] = hashlib.sha256(wheel.read_bytes()).hexdigest()
    lock_file.write_text(json.dumps(lock), encoding="utf-8")


@pytest.fixture(scope="module")
def host(host_dir: Path) -> Iterator[str]:
    """The address of the host."""
    with serve_folder(host_dir) as address:
        yield address


@pytest.fixture
def host_settings(host: str, host_dir: Path, open_provider: OpenProvider, zai_provider: ZaiProvider) -> Iterator[None]:
    """What the pages read: two providers, and a relay that they may call and that may reach the blocked one alone."""
    providers = [
        {"id": "openai", "api_key": open_provider.key, "base_url": open_provider.base_url},
        {"id": "zai", "api_key": zai_provider.key, "base_url": zai_provider.base_url},
    ]
    with run_relay(origins=[host], destinations=[zai_provider.origin]) as relay:
        settings = {
            "providers": providers,
            "relay": {"url": relay.url, "token": relay.token, "name": "Attic"},
            "models": ["openai/fake-small", "zai/glm-4.6"],
        }
        (host_dir / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
        yield


def read_shown(page: Page) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(page.locator("output").inner_text())
    return shown


@pytest.mark.usefixtures("host_settings")
@pytest.mark.parametrize("name", ["pyodide.html", "pyscript.html"])
def test_a_page_of_another_kind_streams_directly_and_through_a_relay(
    page: Page, host: str, open_provider: OpenProvider, zai_provider: ZaiProvider, name: str
) -> None:
    hold = Hold()
    end = [write_chunk({"content": "hello"}), write_chunk({}, finish_reason="stop"), DONE]
    open_provider.answers.append(Stream([write_chunk({"content": "Half a "}), hold, *end]))
    page.goto(f"{host}/{name}")
    output = page.locator("output")
    expect(output).to_contain_text("Half a ", timeout=PYTHON_START)
    # The provider still holds the rest back: it is shown as it comes, on the page's own thread too.
    assert read_shown(page)["answers"]["openai/fake-small"] == {"text": "Half a ", "route": "direct"}
    hold.release()
    expect(output).to_contain_text('"done": true')

    shown = read_shown(page)
    assert shown["answers"] == {
        "openai/fake-small": {"text": "Half a hello", "route": "direct"},
        "zai/glm-4.6": {"text": zai_provider.text, "route": "relay Attic"},
    }
    assert shown["acompletion"] == {"text": zai_provider.text, "route": "relay Attic"}
    assert open_provider.chats[0].headers["origin"] == host, "the browser itself must have called"
    # Asked directly once, in vain; then it is remembered.
    assert [request.method for request in zai_provider.requests] == ["OPTIONS", "POST", "POST"]

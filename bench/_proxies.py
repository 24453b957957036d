"""Other projects' gateways, to measure beside: installed for that alone, under `.build/`."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench._askers import Side
from bench._processes import start
from bench._streams import FAST, PACED, SILENT
from tools.packages import find_node
from tools.places import BUILD, find_program

LITELLM = "litellm[proxy]==1.106.2"
PORTKEY = "@portkey-ai/gateway@1.15.2"

_INSTALL_SECONDS = 600
_START_SECONDS = 120.0
ANTHROPIC = "claude-m"
"""A model that LiteLLM calls by Anthropic's wire."""


@contextmanager
def start_litellm(provider: str, key: str, *, workers: int = 1) -> Iterator[Side]:
    """Run LiteLLM's proxy in front of *provider* (an origin), with *key* as its own.

    Raises:
        OSError: it cannot be installed, or does not start.
    """
    program = _install_litellm()
    rows = [_describe_model(name, f"openai/{name}", f"{provider}/v1") for name in (FAST, PACED, SILENT)]
    rows.append(_describe_model(ANTHROPIC, f"anthropic/{ANTHROPIC}", provider))
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        # JSON is YAML too.
        config.write_text(json.dumps({"model_list": rows}))
        port = _find_port()
        settings = {
            "HOME": folder,
            "LITELLM_MASTER_KEY": key,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_TELEMETRY": "False",
        }
        command = [str(program), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        with start([*command, "--num_workers", str(workers)], _make_environment(settings)) as process:
            _wait_for(f"http://127.0.0.1:{port}/health/liveliness", process, "LiteLLM's proxy")
            yield Side(port, process.pid, headers={"Authorization": f"Bearer {key}"})


@contextmanager
def start_portkey(provider: str) -> Iterator[Side]:
    """Run Portkey's gateway in front of *provider* (an origin).

    Raises:
        OSError: it cannot be installed, or does not start.
    """
    node, program = _install_portkey()
    port = _find_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [node, str(program), f"--port={port}", "--headless"]
        with start(command, _make_environment({"HOME": folder})) as process:
            _wait_for(f"http://127.0.0.1:{port}/", process, "Portkey's gateway")
            headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": f"{provider}/v1"}
            yield Side(port, process.pid, headers={"Authorization": "Bearer key", **headers})


def _describe_model(name: str, model: str, base: str) -> dict[str, object]:
    return {"model_name": name, "litellm_params": {"model": model, "api_base": base, "api_key": "key"}}


def _install_litellm() -> Path:
    folder = BUILD / "bench-litellm"
    program = find_program("litellm", venv=folder)
    if not program.exists():
        venv.create(folder, with_pip=True, clear=True)
        pip: list[str | Path] = [find_program("python", venv=folder), "-m", "pip", "install", "--quiet", LITELLM]
        _install(pip, LITELLM, folder)
    return program


def _install_portkey() -> tuple[str, Path]:
    node = find_node()
    if node is None:
        raise OSError(f"{PORTKEY} needs Node.js and npm, which are not here")
    folder = BUILD / "bench-portkey"
    program = folder / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        _install([*node.npm, "install", "--prefix", folder, *quiet, PORTKEY], PORTKEY, folder)
    return node.node[0], program


def _install(command: list[str | Path], name: str, folder: Path) -> None:
    try:
        subprocess.run(command, check=True, timeout=_INSTALL_SECONDS, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        # Half of it must not pass for all of it the next time.
        shutil.rmtree(folder, ignore_errors=True)
        raise OSError(f"{name} could not be installed ({type(error).__name__})") from error


def _make_environment(settings: dict[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    return kept | settings


def _find_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _wait_for(url: str, process: subprocess.Popen[str], name: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=5, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise OSError(f"{name} did not start")

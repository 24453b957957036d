"""The relay against a bare Flask pass-through and LiteLLM's proxy: one provider, one run, each in its own process.

LiteLLM's proxy is no dependency: it is installed into `.build/bench-litellm` when this runs; without it the other two
are measured alone.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench._measures import CHUNKS, check_size, report
from tests.relay.servers import run_relay, stop
from tools.places import ROOT

LITELLM = "litellm[proxy]==1.106.2"
_VENV = ROOT / ".build" / "bench-litellm"
_INSTALL_SECONDS = 600
_START_SECONDS = 120.0

STREAMS = 7
REQUESTS = 300
WARM_UP = 20

FASTER = 15.0  # times LiteLLM's proxy's chunks a second
LATENCY_SHARE = 1 / 5  # of the latency that LiteLLM's proxy adds
LATENCY_ABOVE = 2.0  # milliseconds above the bare pass-through
MEMORY_SHARE = 1 / 2  # of LiteLLM's proxy's

_MESSAGES = [{"role": "user", "content": "Say hello"}]
_END = b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Side:
    """One server: where it listens, its process (none if its memory does not matter), what it is asked."""

    port: int
    process: int | None
    path: str
    headers: dict[str, str]
    model: str

    def write(self, *, is_stream: bool) -> bytes:
        """Return the whole request."""
        body = json.dumps({"model": self.model, "messages": _MESSAGES, "stream": is_stream}).encode()
        lines = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in (lines | self.headers).items())
        return f"POST {self.path} HTTP/1.1\r\n{head}\r\n".encode() + body


class Asker:
    """Asks one side over one connection, which is kept, as a browser keeps its own."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._connection: socket.socket | None = None

    def ask(self, *, is_stream: bool) -> tuple[float, bytes]:
        """Return the seconds from the request to the answer's last byte, and the answer."""
        request = self._side.write(is_stream=is_stream)
        if self._connection is None:
            self._connection = socket.create_connection(("127.0.0.1", self._side.port))
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        self._connection.sendall(request)
        answer = self._receive(self._connection, is_stream=is_stream)
        took = time.perf_counter() - began
        if b"connection: close" in answer.partition(b"\r\n\r\n")[0].lower():
            self.close()
        return took, answer

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _receive(self, connection: socket.socket, *, is_stream: bool) -> bytes:
        pieces = []
        end = b""
        while piece := connection.recv(262_144):
            pieces.append(piece)
            end = (end + piece)[-len(_END) :]
            if end == _END if is_stream else _is_whole(b"".join(pieces)):
                break
        return b"".join(pieces)


def _is_whole(answer: bytes) -> bool:
    head, blank, body = answer.partition(b"\r\n\r\n")
    size = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    return bool(blank) and (len(body) >= int(size) if size else answer.endswith(_END))


def read_chunks(answer: bytes) -> bytes:
    """Return the body of an *answer* in chunks (RFC 9112, 7.1)."""
    body = []
    rest = memoryview(answer)[answer.index(b"\r\n\r\n") + 4 :]
    while size := int(bytes(rest[:20]).partition(b"\r\n")[0], 16):
        start = len(f"{size:x}") + 2
        body.append(rest[start : start + size])
        rest = rest[start + size + 2 :]
    return b"".join(body)


def measure_streams(sides: dict[str, Side]) -> dict[str, dict[str, Any]]:
    """Return how many chunks a second each side streams, one stream at a time; the sides take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(STREAMS + 1):
        for name, side in sides.items():
            with closing(Asker(side)) as asker:
                took, answer = asker.ask(is_stream=True)
            check_size(name, read_chunks(answer).count(b"Wort "), CHUNKS)
            if number:  # the first one only warms up
                seconds[name].append(took)
    return {
        name: {"median_seconds": round(statistics.median(row), 4), "per_second": round(CHUNKS / statistics.median(row))}
        for name, row in seconds.items()
    }


def measure_latency(sides: dict[str, Side]) -> dict[str, dict[str, float]]:
    """Return each side's milliseconds for a small whole answer; the sides take turns, request by request."""
    rows: dict[str, list[float]] = {name: [] for name in sides}
    with ExitStack() as stack:
        askers = {name: stack.enter_context(closing(Asker(side))) for name, side in sides.items()}
        for number in range(REQUESTS + WARM_UP):
            for name, asker in askers.items():
                took, answer = asker.ask(is_stream=False)
                check_size(name, answer.count(b"Hello."), 1)
                if number >= WARM_UP:
                    rows[name].append(took * 1000)
    return {
        name: {
            "median": round(statistics.median(row), 3),
            "p95": round(statistics.quantiles(row, n=20)[-1], 3),
        }
        for name, row in rows.items()
    }


def measure_memory(process: int) -> float | None:
    """Return the resident MB of *process* and its children, what they share counted once; None where unknown."""
    kilobytes = 0
    waiting = [process]
    try:
        while waiting:
            place = Path("/proc") / str(waiting.pop())
            text = (place / "smaps_rollup").read_text(encoding="ascii")
            kilobytes += int(text.partition("\nPss:")[2].split()[0])
            for thread in (place / "task").iterdir():
                waiting += [int(child) for child in (thread / "children").read_text(encoding="ascii").split()]
    except OSError:
        return None
    return round(kilobytes / 1024, 1)


@contextmanager
def start(command: list[str], environment: dict[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """Run *command* until the end of the block."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        try:
            yield process
        finally:
            stop(process)
            if process.stdout:
                process.stdout.close()


@contextmanager
def start_module(name: str, *arguments: str) -> Iterator[tuple[int, int]]:
    """Run a module of the bench that prints its port; yield that and the process's id."""
    with start([sys.executable, "-m", f"bench.{name}", *arguments]) as process:
        line = process.stdout.readline() if process.stdout else ""
        yield int(line), process.pid


@contextmanager
def start_litellm(provider: str, key: str) -> Iterator[tuple[int, int]]:
    """Run LiteLLM's proxy in front of *provider*, with *key* as its own; yield its port and the process's id.

    Raises:
        OSError: it cannot be installed, or does not start.
    """
    program = install_litellm()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        row = {"model_name": "m", "litellm_params": {"model": "openai/m", "api_base": provider, "api_key": "key"}}
        # JSON is YAML too.
        config.write_text(json.dumps({"model_list": [row]}))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        settings = {
            "HOME": folder,
            "LITELLM_MASTER_KEY": key,
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_TELEMETRY": "False",
        }
        command = [str(program), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        with start([*command, "--num_workers", "1"], kept | settings) as process:
            wait_for(f"http://127.0.0.1:{port}/health/liveliness", process)
            yield port, process.pid


def install_litellm() -> Path:
    """Return the proxy's program, installed if it is not there yet.

    Raises:
        OSError: it cannot be installed.
    """
    program = _VENV / "bin" / "litellm"
    if not program.exists():
        venv.create(_VENV, with_pip=True, clear=True)
        pip = [str(_VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", LITELLM]
        try:
            subprocess.run(pip, check=True, timeout=_INSTALL_SECONDS, capture_output=True)
        except subprocess.SubprocessError as error:
            raise OSError(f"{LITELLM} could not be installed ({type(error).__name__})") from error
    return program


def wait_for(url: str, process: subprocess.Popen[str]) -> None:
    """Wait until *url* answers.

    Raises:
        OSError: it does not in time.
    """
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(url, timeout=5, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise OSError("LiteLLM's proxy did not start")


@contextmanager
def start_all() -> Iterator[tuple[dict[str, Side], str]]:
    """Yield the sides by name, and why LiteLLM's proxy is not among them (empty if it is)."""
    reason = ""
    with ExitStack() as stack:
        provider, _ = stack.enter_context(start_module("_provider"))
        base = f"http://127.0.0.1:{provider}/v1"
        sides = {"provider": Side(provider, None, "/v1/chat/completions", {}, "m")}
        port, process = stack.enter_context(start_module("_bare", base))
        sides["bare"] = Side(port, process, "/v1/chat/completions", {}, "m")
        relay = stack.enter_context(run_relay(destinations=["127.0.0.1"]))
        relay.wait_for_log(event="loaded", timeout=_START_SECONDS)
        headers = {**relay.headers, "X-Provider-Key": "key", "X-Provider-Base": base}
        sides["relay"] = Side(relay.port, relay.process.pid, "/v1/chat/completions", headers, "openai/m")
        try:
            key = f"sk-{secrets.token_hex(32)}"
            port, process = stack.enter_context(start_litellm(base, key))
            sides["litellm"] = Side(port, process, "/v1/chat/completions", {"Authorization": f"Bearer {key}"}, "m")
        except OSError as error:
            reason = f"not measured: {error}"
        yield sides, reason


def judge(
    streams: dict[str, dict[str, Any]], latency: dict[str, dict[str, float]], memory: dict[str, float | None]
) -> dict[str, dict[str, Any]]:
    """Return what was wanted and what was reached."""
    added = {name: row["median"] - latency["provider"]["median"] for name, row in latency.items()}
    above = added["relay"] - added["bare"]
    ratios: dict[str, dict[str, Any]] = {
        "milliseconds above the bare pass-through": _compare(above, LATENCY_ABOVE, is_least=False),
    }
    if "litellm" in streams:
        speed = streams["relay"]["per_second"] / streams["litellm"]["per_second"]
        ratios["chunks a second, of LiteLLM's proxy's"] = _compare(speed, FASTER, is_least=True)
        share = added["relay"] / added["litellm"]
        ratios["added latency, of LiteLLM's proxy's"] = _compare(share, LATENCY_SHARE, is_least=False)
        ours, theirs = memory["relay"], memory["litellm"]
        if ours and theirs:
            ratios["memory, of LiteLLM's proxy's"] = _compare(ours / theirs, MEMORY_SHARE, is_least=False)
    return ratios


def _compare(measured: float, wanted: float, *, is_least: bool) -> dict[str, Any]:
    is_reached = measured >= wanted if is_least else measured <= wanted
    bound = "at least" if is_least else "at most"
    return {"measured": round(measured, 3), "wanted": f"{bound} {wanted:g}", "is_reached": is_reached}


def main() -> int:
    """Measure and print; return 1 if what is wanted was not reached."""
    with start_all() as (sides, reason):
        streams = measure_streams(sides)
        latency = measure_latency(sides)
        memory = {name: measure_memory(side.process) for name, side in sides.items() if side.process}
    ratios = judge(streams, latency, memory)
    return report(
        bench="the relay's pipe lane",
        chunks=CHUNKS,
        streams=streams,
        latency_ms=latency,
        memory_mb=memory,
        litellm_proxy=reason or LITELLM,
        ratios=ratios,
        is_reached=all(row["is_reached"] for row in ratios.values()),
    )


if __name__ == "__main__":
    raise SystemExit(main())

"""Many streams at a time, read by a process of their own (`_load`)."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from bench._askers import Side, fetch
from bench._load import Order, describe
from bench._processes import measure_cpu
from bench._streams import FAST, PACE, PACED, PACED_CHUNKS
from tools.places import ROOT

_SLACK = 60.0  # seconds that the counting may take behind the last byte


def run_crowd(side: Side, provider: Side, **order: Any) -> dict[str, Any]:
    """Return what the load saw of *side*, and how much of a core each process took meanwhile; see `Order`."""
    what = Order(asdict(side), **order)
    watched = {"side": side.process, "provider": provider.process}
    before = {name: measure_cpu(process) for name, process in watched.items() if process}
    command = [sys.executable, "-m", "bench._load"]
    done = subprocess.run(
        command, cwd=ROOT, input=describe(what), capture_output=True, text=True, timeout=what.limit + _SLACK, check=True
    )
    seen: dict[str, Any] = json.loads(done.stdout)
    for name, begun in before.items():
        seen[f"{name}_cpu_seconds"] = round(measure_cpu(watched[name] or 0) - begun, 2)
    return seen


def measure_paced(side: Side, provider: Side, *, streams: int, limit: float, is_text: bool = False) -> dict[str, Any]:
    """Return how *streams* paced streams at a time fared, and whether each byte of them came.

    Args:
        side: whom to ask.
        provider: who sends, and tells what it has sent.
        streams: how many.
        limit: seconds after which what is still open is given up.
        is_text: whether only their text can be compared.
    """
    # Evenly over half their length: then all of them are under way for the other half.
    ramp = PACED_CHUNKS / PACE / 2
    seen = run_crowd(side, provider, model=PACED, streams=streams, ramp=ramp, limit=limit, is_text=is_text)
    sent = json.loads(fetch(provider.port, "/sent/text" if is_text else "/sent"))
    digests = seen.pop("digests")
    seen["equal"] = sum(sent.get(number) == digest for number, digest in digests.items())
    seen["compared"] = "text" if is_text else "bytes"
    return seen


def measure_rush(side: Side, provider: Side, *, streams: int, limit: float = 120.0) -> dict[str, Any]:
    """Return what *side* carries of streams that come as fast as they go, *streams* at a time."""
    seen = run_crowd(side, provider, model=FAST, streams=streams, limit=limit)
    del seen["digests"]
    seen["chunks_per_second"] = round(seen["chunks"] / seen["seconds"])
    seen["cpu_us_per_chunk"] = round(seen["side_cpu_seconds"] / seen["chunks"] * 1e6, 1) if seen["chunks"] else None
    return seen

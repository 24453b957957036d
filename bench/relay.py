"""The relay against a bare Flask pass-through and other projects' gateways: one provider, one run.

Each is a process of its own, and so are the provider and the load. The gateways are no dependencies: they are installed
under `.build/` when this runs; what cannot be had is left out, with the reason in the JSON.
"""

from __future__ import annotations

from typing import Any

from bench._askers import Side
from bench._cancels import measure_cancels
from bench._crowds import measure_paced, measure_rush
from bench._judgements import judge
from bench._measures import CHUNKS, report
from bench._processes import allow_many_files, measure_memory
from bench._proxies import ANTHROPIC, LITELLM, PORTKEY, start_litellm
from bench._sides import (
    Stage,
    Start,
    ask_for_anthropic,
    make_key,
    start_all,
    start_bare,
    start_provider,
    start_relay,
)
from bench._starts import measure_starts
from bench._turns import measure_latency, measure_streams

PACED = 1000
FEWER = 50
"""Paced streams that LiteLLM's proxy is asked for: it takes milliseconds a chunk."""

LIMIT = 90.0
AT_ONCE = 16


def measure_one_by_one(stage: Stage) -> dict[str, Any]:
    """Return speed, latency, memory and time to cancel."""
    sides, every = {"provider": stage.provider, **stage.sides}, {**stage.sides, **stage.others}
    figures: dict[str, Any] = {"streams": measure_streams(sides)}
    figures["latency_ms"] = measure_latency({"provider": stage.provider, **every})
    figures["memory_mb"] = {name: measure_memory(side.process) for name, side in every.items() if side.process}
    # The wire of the other dialect, which both translate.
    claude = {"relay": ask_for_anthropic(stage.sides["relay"], stage.origin)}
    claude |= {name: side for name, side in sides.items() if name == "litellm"}
    figures["anthropic_streams"] = measure_streams(claude, model=ANTHROPIC)
    figures["cancel_seconds"] = measure_cancels(stage.sides, stage.provider)
    return figures


def measure_crowds(origin: str, provider: Side) -> dict[str, dict[str, Any]]:
    """Return how many paced streams at a time fare, with two processes each; one side runs at a time."""
    starts: dict[str, Start] = {
        "bare": lambda: start_bare(origin, workers=2),
        "relay": lambda: start_relay(origin, workers=2, has_limits=False),
    }
    # What load and provider are good for with nobody in between.
    figures = {"provider": measure_paced(provider, provider, streams=PACED, limit=LIMIT)}
    for name, start in starts.items():
        with start() as side:
            figures[name] = measure_paced(side, provider, streams=PACED, limit=LIMIT)
    try:
        with start_litellm(origin, make_key(), workers=2) as side:
            figures["litellm"] = measure_paced(side, provider, streams=FEWER, limit=LIMIT, is_text=True)
    except OSError as error:
        figures["litellm"] = {"missing": str(error)}
    return figures


def measure_scaling(origin: str, provider: Side) -> dict[str, Any]:
    """Return what one and two processes carry.

    Provider and load need the same cores as the relay, so two processes cannot carry twice as much here, however well
    they share the work. What tells is how much of a core a chunk takes: were it as much with two processes as with one,
    two cores of their own would carry twice as much.
    """
    rows = {}
    for workers in (1, 2):
        with start_relay(origin, workers=workers, has_limits=False) as side:
            measure_rush(side, provider, streams=AT_ONCE)  # warms up
            rows[workers] = measure_rush(side, provider, streams=AT_ONCE * 4)
    one, two = rows[1], rows[2]
    return {
        "one_process": one,
        "two_processes": two,
        "by_cpu": round(2 * one["cpu_us_per_chunk"] / two["cpu_us_per_chunk"], 2),
        "by_wall": round(two["chunks_per_second"] / one["chunks_per_second"], 2),
    }


def main() -> int:
    """Measure and print; return 1 if what is wanted was not reached."""
    allow_many_files()
    with start_all() as stage:
        figures, missing = measure_one_by_one(stage), stage.missing
    with start_provider() as provider:
        origin = f"http://127.0.0.1:{provider.port}"
        figures["paced_streams"] = measure_crowds(origin, provider)
        figures["scaling"] = measure_scaling(origin, provider)
    figures["start"] = measure_starts()
    ratios = judge(figures, paced=PACED)
    return report(
        bench="the relay",
        chunks=CHUNKS,
        **figures,
        others={"litellm": LITELLM, "portkey": PORTKEY} | missing,
        ratios=ratios,
        is_reached=all(row["is_reached"] for row in ratios.values()),
    )


if __name__ == "__main__":
    raise SystemExit(main())

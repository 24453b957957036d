"""What was wanted of the relay and what was reached."""

from __future__ import annotations

from typing import Any

FASTER = 15.0  # times LiteLLM's proxy's chunks a second
LATENCY_SHARE = 1 / 5  # of the latency that LiteLLM's proxy adds
LATENCY_ABOVE = 2.0  # milliseconds above the bare pass-through
MEMORY_SHARE = 1 / 2  # of LiteLLM's proxy's
CANCEL = 0.5  # seconds until the provider sees that the client left
SCALE = 1.7  # times the chunks of one process that two carry
START = 1.0  # seconds until it says that it is alive

Row = dict[str, Any]


def judge(figures: dict[str, Any], *, paced: int) -> dict[str, Row]:
    """Return every ratio and bound of *figures*; those of another project's gateway only where it ran.

    Args:
        figures: what was measured.
        paced: how many paced streams have to be whole.
    """
    latency = figures["latency_ms"]
    added = {name: row["median"] - latency["provider"]["median"] for name, row in latency.items()}
    crowd = figures["paced_streams"]["relay"]
    rows = {
        "milliseconds above the bare pass-through": at_most(added["relay"] - added["bare"], LATENCY_ABOVE),
        "paced streams that came whole": at_least(crowd["whole"], paced),
        "paced streams equal to the byte": at_least(crowd["equal"], paced),
        "seconds to /healthz": at_most(figures["start"]["median_seconds"], START),
        "two processes, times the chunks of one": at_least(figures["scaling"]["by_cpu"], SCALE),
    }
    for moment, row in figures["cancel_seconds"].items():
        rows[f"seconds to cancel {moment}"] = at_most(row["relay"].get("longest", float("inf")), CANCEL)
    return rows | (_compare_with_litellm(figures, added) if "litellm" in latency else {})


def _compare_with_litellm(figures: dict[str, Any], added: dict[str, float]) -> dict[str, Row]:
    speed = {name: row["per_second"] for name, row in figures["streams"].items()}
    memory = figures["memory_mb"]
    rows = {
        "chunks a second, of LiteLLM's proxy's": at_least(speed["relay"] / speed["litellm"], FASTER),
        "added latency, of LiteLLM's proxy's": at_most(added["relay"] / added["litellm"], LATENCY_SHARE),
        "translating: chunks a second, of LiteLLM's proxy's": at_least(
            speed["relay, translating"] / speed["litellm"], 1.0
        ),
        "translating: added latency, of LiteLLM's proxy's": at_most(
            added["relay, translating"] / added["litellm"], 1.0
        ),
    }
    claude = figures["anthropic_streams"]
    rows["Anthropic: chunks a second, of LiteLLM's proxy's"] = at_least(
        claude["relay"]["per_second"] / claude["litellm"]["per_second"], 1.0
    )
    if memory["relay"] and memory["litellm"]:
        rows["memory, of LiteLLM's proxy's"] = at_most(memory["relay"] / memory["litellm"], MEMORY_SHARE)
    return rows


def at_least(measured: float, wanted: float) -> Row:
    """Return a figure that has to be *wanted* or more."""
    return {"measured": round(measured, 3), "wanted": f"at least {wanted:g}", "is_reached": measured >= wanted}


def at_most(measured: float, wanted: float) -> Row:
    """Return a figure that has to be *wanted* or less."""
    return {"measured": round(measured, 3), "wanted": f"at most {wanted:g}", "is_reached": measured <= wanted}

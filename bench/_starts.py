"""How soon a relay that was started says that it is alive."""

from __future__ import annotations

import statistics
import time
from typing import Any

import httpx

from tests.relay.servers import run_relay

TIMES = 5


def measure_starts() -> dict[str, Any]:
    """Return the seconds from the start of the process to the first answer of `/healthz`, LiteLLM not loaded yet."""
    seconds, loading = [], 0
    for _ in range(TIMES):
        began = time.monotonic()
        with run_relay() as relay:
            alive = httpx.get(f"{relay.url}/healthz", timeout=10, trust_env=False)
            seconds.append(time.monotonic() - began)
            alive.raise_for_status()
            loading += not [line for line in relay.log_lines() if line["event"] == "loaded"]
            # Stopped while it loads it would take longer to end.
            relay.wait_for_log(event="loaded", timeout=60)
    return {
        "times": TIMES,
        "median_seconds": round(statistics.median(seconds), 3),
        "longest": round(max(seconds), 3),
        "before_litellm": loading,
    }

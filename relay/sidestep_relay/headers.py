"""The headers that a page sends to the relay. Preflights allow these and no others."""

from sidestep.envelopes import KEY_HEADER

__all__ = ["CACHE_HEADER", "REQUEST_HEADERS"]

CACHE_HEADER = "X-Sidestep-Cache"
"""In a request: what is wished. In an answer: where it comes from."""

REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "X-Provider-Key",
    KEY_HEADER,
    "X-Provider-Base",
    "X-Request-Id",
    CACHE_HEADER,
)

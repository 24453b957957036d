"""The headers that a page sends to the relay. Preflights allow these and no others."""

__all__ = ["REQUEST_HEADERS"]

REQUEST_HEADERS = ("Authorization", "Content-Type", "X-Provider-Key", "X-Provider-Base", "X-Request-Id")

"""Where a Redis is, as one URL, and that it may be away. Without the library: not every relay needs it."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

__all__ = ["RedisAway", "check_redis_url"]

_NETWORK = ("redis", "rediss")
_OPTIONS = frozenset({"db", "username", "password"})
_TLS_OPTIONS = frozenset({"ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs"})
_VERIFICATIONS = ("required", "none")


class RedisAway(Exception):
    """Redis did not answer, or did not lately."""


def check_redis_url(url: str) -> str:
    """Return *url* if it can lead to a Redis.

    Raises:
        ValueError: it cannot. The message repeats nothing of it but names of options: it can hold a password.
    """
    try:
        parts = urlsplit(url)
        has_place = bool(parts.hostname) and parts.port != 0
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ValueError("it is no URL; a port is a number to 65535, and options follow as ?name=value") from None
    if parts.scheme not in (*_NETWORK, "unix"):
        raise ValueError("it must begin with redis://, rediss:// or unix://")
    if parts.scheme == "unix":
        has_place = len(parts.path) > 1
    elif not _is_database(parts.path.strip("/") or "0"):
        raise ValueError("behind the host comes the number of a database, such as /0")
    if not has_place or parts.fragment:
        raise ValueError("it must name a host, such as redis://127.0.0.1:6379/0, or a socket: unix:///run/redis.sock")
    _check_options({name: values[-1] for name, values in options.items()}, has_tls=parts.scheme == "rediss")
    return url


def _check_options(options: dict[str, str], *, has_tls: bool) -> None:
    for name in options:
        if name not in _OPTIONS and not (has_tls and name in _TLS_OPTIONS):
            raise ValueError(f"the option {name[:40]!r} is not known for that kind of URL")
    if not _is_database(options.get("db", "0")):
        raise ValueError("db must be the number of a database")
    if options.get("ssl_cert_reqs", "required") not in _VERIFICATIONS:
        raise ValueError(f"ssl_cert_reqs must be one of {', '.join(_VERIFICATIONS)}")


def _is_database(text: str) -> bool:
    return text.isascii() and text.isdigit()

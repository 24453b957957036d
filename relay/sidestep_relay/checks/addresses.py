"""The way to the relay: its name, its certificate, and what answers without TLS. No secret is sent on it."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from sidestep_relay.checks.findings import Finding
from sidestep_relay.pair_cli import is_loopback

__all__ = ["Place", "check_name", "check_plain_http", "check_scheme", "check_tls", "make_context", "parse_place"]

_SECONDS = 15.0
_WARN_DAYS = 14.0
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a relay is: its address without a slash at the end, and the parts of it."""

    url: str
    scheme: str
    host: str
    port: int


def parse_place(url: str) -> Place:
    """Read the address of a relay.

    Raises:
        ValueError: its port is none.
    """
    parts = urlsplit(url)
    return Place(url, parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])


def make_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return what decides whether a certificate is good: the system's authorities, or those of *ca_file* alone.

    Raises:
        OSError: the file cannot be used.
    """
    return ssl.create_default_context(cafile=ca_file)


def check_scheme(place: Place) -> Finding | None:
    """Fail if the token would cross a network in the clear. Nothing is sent for it."""
    if place.scheme == "https":
        return None
    if is_loopback(place.host):
        return Finding("tls", "ok", "This address never leaves the computer, so it needs no TLS.")
    return Finding(
        "tls",
        "failure",
        f"{place.url} has no TLS: the token, keys and prompts would cross the network readable. Nothing was sent.",
        "Put the relay behind a proxy with a certificate, or serve with --certfile; docs/hosting.md has recipes. A "
        "page that came by https may not call it at all.",
    )


def check_name(place: Place) -> Finding:
    """Look the name up."""
    try:
        rows = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        reason = error.strerror if isinstance(error, socket.gaierror) else "it is no name"
        return Finding(
            "name",
            "failure",
            f"The name {place.host} leads nowhere: {reason}.",
            "Check the spelling, and the A or AAAA record; a new record can take an hour to be seen.",
        )
    addresses = list(dict.fromkeys(str(row[4][0]) for row in rows))
    shown = f"{place.host} is {', '.join(addresses[:4])}" if place.host not in addresses else place.host
    if not is_loopback(place.host) and not any(_is_public(address) for address in addresses):
        return Finding(
            "name",
            "warning",
            f"{shown}: only who is in that network reaches it.",
            "If others are to use it, give it a public address; from a page that came by https the browser asks first.",
        )
    return Finding("name", "ok", f"{shown}.")


def check_tls(place: Place, context: ssl.SSLContext, now: datetime.datetime) -> Finding:
    """Connect, and look at the certificate as a browser does."""
    try:
        with (
            socket.create_connection((place.host, place.port), timeout=_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=place.host) as connection,
        ):
            certificate, version = connection.getpeercert() or {}, connection.version()
    except ssl.SSLCertVerificationError as error:
        return Finding("tls", "failure", *_explain_certificate(error, place))
    except ssl.SSLError as error:
        return Finding(
            "tls",
            "failure",
            f"There is no TLS at port {place.port} ({error.reason or 'the handshake failed'}).",
            "Serve with --certfile, or let the proxy in front do TLS at this port.",
        )
    except OSError as error:
        return explain_no_connection(place, error)
    ends, begins = (
        datetime.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate[name])), datetime.UTC)
        for name in ("notAfter", "notBefore")
    )
    days, lifetime = (ends - now).total_seconds() / 86400, (ends - begins).total_seconds() / 86400
    message = f"{version}, with a certificate that is good until {ends:%Y-%m-%d} ({days:.0f} days)."
    # A certificate that lives for a week is not late when six days are left.
    if days < min(_WARN_DAYS, lifetime / 4):
        remedy = "See to its renewal; `sidestep-relay serve --certfile` takes a renewed file up by itself."
        return Finding("tls", "warning", message, remedy)
    return Finding("tls", "ok", message)


def check_plain_http(place: Place, port: int) -> Finding:
    """Say what answers at *port* without TLS. Only `/healthz` is asked, without a token."""
    host = f"[{place.host}]" if ":" in place.host else place.host
    try:
        answer = httpx.get(f"http://{host}:{port}/healthz", timeout=_SECONDS, trust_env=False)
    except httpx.HTTPError:
        return Finding("plain_http", "ok", f"Nothing answers at port {port} without TLS.")
    location = answer.headers.get("Location", "")
    if answer.is_redirect and urlsplit(location).scheme == "https":
        return Finding("plain_http", "ok", f"Port {port} without TLS sends everybody to https.")
    return Finding(
        "plain_http",
        "warning",
        f"Port {port} answers without TLS too, with status {answer.status_code}; a mistyped address shows the token.",
        "Let the proxy redirect http to https, or close that port; send Strict-Transport-Security with https.",
    )


def explain_no_connection(place: Place, error: OSError) -> Finding:
    """Say why there is no connection to *place*."""
    if isinstance(error, ConnectionRefusedError):
        return Finding(
            "connection",
            "failure",
            f"Nothing listens at {place.host}, port {place.port}.",
            "Start the relay or the proxy in front of it; a relay that is to be reached from elsewhere needs "
            "--host 0.0.0.0 or a proxy on its own computer.",
        )
    if isinstance(error, TimeoutError):
        return Finding(
            "connection",
            "failure",
            f"{place.host}, port {place.port}, does not answer within {_SECONDS:.0f} s.",
            "Open the port in the firewall of the computer and of its host.",
        )
    return Finding("connection", "failure", f"No connection to {place.host}: {error.strerror or 'it broke off'}.")


def _explain_certificate(error: ssl.SSLCertVerificationError, place: Place) -> tuple[str, str]:
    said = error.verify_message or "it cannot be verified"
    if "expired" in said:
        return "The certificate has expired; browsers refuse it.", "Renew it, and find out why that did not happen."
    if "self-signed" in said or "self signed" in said:
        return (
            "Nobody that browsers trust has signed the certificate.",
            "Get one from Let's Encrypt (Caddy does it by itself); for an authority of your own give --ca-file.",
        )
    if "mismatch" in said or "not valid for" in said:
        return f"The certificate is for another name than {place.host}.", "Get one for this name, or use its own name."
    return (
        f"The certificate cannot be trusted: {said}.",
        "Serve the whole chain (fullchain.pem, not cert.pem); for an authority of your own give --ca-file.",
    )


def _is_public(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_global

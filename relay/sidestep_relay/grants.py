"""What a token may do: which providers it may call, and with whose key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from sidestep.catalogue import CatalogueEntry
from sidestep_relay.errors import RelayError
from sidestep_relay.tokens import Token

__all__ = ["check_host", "check_metrics", "check_provider", "find_own_key", "list_addresses", "name_provider"]

_ELSEWHERE = "custom"
"""The catalogue's row for an address that nobody knows."""


def list_addresses(entry: CatalogueEntry) -> list[str]:
    """Return the provider's own addresses, without trailing slashes."""
    addresses = (entry.base_url, entry.relay_base_url, *entry.alternatives.values())
    return [address.rstrip("/") for address in addresses if address]


def check_provider(token: Token, entry: CatalogueEntry, base_url: str | None) -> None:
    """Return if *token* may call *entry* at *base_url*, or at its own address if that is empty.

    At another address it is not that provider who answers, whatever the model's name begins with; that takes `custom`.

    Raises:
        RelayError: 403 `provider_not_allowed`.
    """
    provider = name_provider(entry, base_url)
    if not token.may_call(provider):
        raise _refuse(f"{entry.name}{'' if provider == entry.id else ' at that address'}")


def name_provider(entry: CatalogueEntry, base_url: str | None) -> str:
    """Return the id of who answers a call of *entry* at *base_url*: `custom` at an address that is not its own."""
    is_at_home = not base_url or not entry.base_url or base_url.rstrip("/") in list_addresses(entry)
    return entry.id if is_at_home else _ELSEWHERE


def check_metrics(token: Token) -> None:
    """Return if *token* may read what the relay counts, of everyone.

    Raises:
        RelayError: 403 `metrics_not_allowed`.
    """
    if not token.sees_metrics:
        raise RelayError(
            "metrics_not_allowed",
            "Your token for this relay does not cover its metrics; its operator's does, or one made with --metrics.",
            status=403,
            type="permission_error",
        )


def check_host(token: Token, host: str, entries: Iterable[CatalogueEntry]) -> None:
    """Return if *token* may look at *host*: one of a provider that it may call.

    Raises:
        RelayError: 403 `provider_not_allowed`.
    """
    owners = [entry.id for entry in entries if any(urlsplit(row).hostname == host for row in list_addresses(entry))]
    if not any(token.may_call(owner) for owner in owners or [_ELSEWHERE]):
        raise _refuse(host)


def find_own_key(token: Token, entry: CatalogueEntry, base_url: str | None, own_keys: Mapping[str, str]) -> str:
    """Return the relay's own key for *entry* at the provider's own address; empty if there is none.

    It never goes to an address that the request chose (the way CVE-2024-6587 leaked one).

    Raises:
        RelayError: 403 `own_key_not_allowed`: there is one, but not for *token*.
    """
    is_at_home = bool(entry.base_url) and (base_url or entry.base_url).rstrip("/") == entry.base_url.rstrip("/")
    own = own_keys.get(entry.key_env, "") if entry.key_env and is_at_home else ""
    if own and not token.may_borrow(entry.id):
        raise RelayError(
            "own_key_not_allowed",
            f"This relay lends your token no key for {entry.name}; send your own in X-Provider-Key.",
            status=403,
            type="permission_error",
        )
    return own


def _refuse(what: str) -> RelayError:
    return RelayError(
        "provider_not_allowed",
        f"Your token for this relay does not cover {what}; the relay's operator can change that.",
        status=403,
        type="permission_error",
    )

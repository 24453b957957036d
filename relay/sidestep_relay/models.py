"""Lists models: a provider's own list, asked for in its own way, or the catalogue's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from sidestep.catalogue import CatalogueEntry
from sidestep_relay.errors import RelayError, make_provider_error, read_provider_error
from sidestep_relay.upstreams import TIMEOUT, Upstream

__all__ = ["fetch_models", "list_catalogue", "write_list"]


def list_catalogue(catalogue: Mapping[str, CatalogueEntry]) -> dict[str, Any]:
    """Return the catalogue's curated models, named as a chat request to the relay names them."""
    rows = [(f"{entry.litellm_prefix}/{name}", entry.id) for entry in catalogue.values() for name in entry.models]
    return write_list(rows)


def write_list(rows: list[tuple[str, str]]) -> dict[str, Any]:
    """Return *rows* of (id, owner) in the form of OpenAI's `GET /models`."""
    return {
        "object": "list",
        "data": [{"id": name, "object": "model", "created": 0, "owned_by": owner} for name, owner in rows],
    }


def fetch_models(entry: CatalogueEntry, base_url: str, key: str, upstream: Upstream) -> dict[str, Any]:
    """Ask the provider for its models; both OpenAI's and Anthropic's lists hold them under `data`, by `id`.

    Raises:
        RelayError: the relay or the provider said no, or the provider has no list worth asking for.
    """
    if not entry.models_path:
        raise RelayError(
            "models_not_listed", f"{entry.name} has no list of models; name the model by hand.", status=404
        )
    headers = {"Accept": "application/json", **entry.headers}
    if key and base_url == entry.relay_base_url:
        # An OpenAI-compatible address of a provider whose own wire is another takes the key as OpenAI does.
        headers["Authorization"] = f"Bearer {key}"
    elif key:
        headers[entry.auth_header] = f"{entry.auth_scheme} {key}".strip()
    try:
        with httpx.Client(transport=upstream, timeout=TIMEOUT, trust_env=False) as client:
            response = client.get(base_url + entry.models_path, headers=headers)
    except httpx.TransportError as error:
        if upstream.refusal:
            raise upstream.refusal from None
        message = f"{entry.name} cannot be reached: {type(error).__name__}."
        raise make_provider_error("unreachable", message) from error
    if not response.is_success:
        raise read_provider_error(
            response.content,
            name=entry.name,
            status=response.status_code,
            error_codes=entry.error_codes,
            secrets=(key,),
            headers=upstream.headers,
        )
    return write_list(_read_rows(response, entry))


def _read_rows(response: httpx.Response, entry: CatalogueEntry) -> list[tuple[str, str]]:
    try:
        listed = response.json()
        # Together sends the list itself.
        rows = listed if isinstance(listed, list) else listed["data"]
        return [(str(row["id"]), entry.id) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise make_provider_error("answer", f"{entry.name} answered something that is no list of models.") from error

"""LiteLLM's model ids to a provider and its own model id, by what the catalogue knows. No IO but the environment."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from sidestep.catalogue import CUSTOM, CatalogueEntry, load_catalogue
from sidestep.completions.failures import AuthenticationError
from sidestep.config import Config, Provider, clean_base_url
from sidestep.errors import ConfigurationError, UnknownModel

__all__ = ["Target", "find_target", "find_target_in"]

_VERSION_PATHS: Mapping[str, str] = {"anthropic": "/v1"}
"""What LiteLLM appends to the `api_base` of a wire by itself, where our base URLs hold it."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a model id leads to.

    Attributes:
        model: the provider's own id.
    """

    provider: Provider
    model: str

    @property
    def llm_provider(self) -> str:
        """What LiteLLM calls the provider."""
        return self.provider.entry.litellm_prefix


def find_target(
    model: str,
    *,
    llm_provider: str = "",
    api_key: str = "",
    api_base: str = "",
    headers: Mapping[str, str] | None = None,
    has_relays: bool = False,
) -> Target:
    """Return the provider that *model* leads to, ready to be asked.

    Args:
        model: LiteLLM's id, `provider/model`, or a bare one whose maker the catalogue knows.
        llm_provider: the provider, if *model* does not name it.
        api_key: without it, the environment variable that LiteLLM reads too.
        api_base: chooses among the provider's addresses, or is one of the caller's own.
        headers: sent with direct requests.
        has_relays: whether a relay may hold the key instead.

    Raises:
        UnknownModel: *model* leads to no provider.
        AuthenticationError: the provider needs a key and there is none.
        ConfigurationError: the key, the address or a header cannot work.
    """
    prefix, model_id = (llm_provider, model) if llm_provider else _split(model)
    entry, base_url = _choose_entry(_find_entries(prefix, model), api_base)
    # A key from the environment is its provider's: an address of the caller's own does not get it unasked.
    is_own_address = bool(api_base) and (urlsplit(base_url).hostname or "") not in entry.hosts
    key = api_key or ("" if is_own_address or not entry.key_required else os.environ.get(entry.key_env, ""))
    if entry.key_required and not key and not has_relays:
        raise AuthenticationError(
            f"There is no key for {entry.name}.",
            llm_provider=entry.litellm_prefix,
            model=model,
            remedy=f"Say api_key=…, or set {entry.key_env}." if entry.key_env else "Say api_key=….",
        )
    _check_headers(entry, headers or {})
    return Target(Provider(entry.id, api_key=key, base_url=base_url, headers=headers), model_id)


def find_target_in(config: Config, model: str, *, llm_provider: str = "") -> Target:
    """Return the provider of *config* that *model* leads to: by its own id, or by LiteLLM's prefix.

    Raises:
        UnknownModel: *model* leads to none of them.
    """
    prefix, model_id = (llm_provider, model) if llm_provider else _split(model)
    by_prefix = (row for row in config.providers if row.entry.litellm_prefix == prefix)
    if provider := config.find_provider(prefix) or next(by_prefix, None):
        return Target(provider, model_id)
    known = ", ".join(row.id for row in config.providers) or "none"
    raise UnknownModel(
        f"The client has no provider for “{model}”; it has {known}.",
        remedy="Add the provider to the client, or call without client= and say api_key=….",
    )


def _split(model: str) -> tuple[str, str]:
    """Return provider and model of an id; a bare id's provider is the maker that the catalogue knows."""
    prefix, slash, model_id = model.strip().partition("/")
    if slash and prefix and model_id:
        return prefix, model_id
    makers = sorted(_find_makers(prefix))
    if prefix and not slash and len(makers) == 1:
        return makers[0], prefix
    several = f" It could be {' or '.join(f'{maker}/{prefix}' for maker in makers)}." if makers else ""
    raise UnknownModel(
        f"“{model}” does not say which provider it is from.{several}",
        remedy="Name the model as provider/model, such as openai/gpt-5.2.",
    )


def _find_makers(model: str) -> set[str]:
    """Return the prefixes whose curated models include *model*, or else those that have no other family."""
    entries = [entry for entry in load_catalogue().values() if entry.models]
    if listed := {entry.litellm_prefix for entry in entries if model in entry.models}:
        return listed
    family = _read_family(model)
    return {entry.litellm_prefix for entry in entries if {_read_family(known) for known in entry.models} == {family}}


def _read_family(model: str) -> str:
    return model.partition("-")[0]


def _find_entries(prefix: str, model: str) -> list[CatalogueEntry]:
    catalogue = load_catalogue()
    if entries := [entry for entry in catalogue.values() if entry.litellm_prefix == prefix]:
        return entries
    if prefix in catalogue:
        return [catalogue[prefix]]
    known = ", ".join(dict.fromkeys(entry.litellm_prefix for entry in catalogue.values()))
    raise UnknownModel(
        f"“{model}” names no provider that the catalogue knows.",
        remedy=f"Name the model as provider/model, where provider is one of {known}.",
    )


def _choose_entry(entries: Iterable[CatalogueEntry], api_base: str) -> tuple[CatalogueEntry, str]:
    """Return the entry to use and the address to ask: its own where *api_base* says nothing else."""
    entries = list(entries)
    if not api_base:
        return entries[0], ""
    for entry in entries:
        address = _complete_address(api_base, entry)
        if address in {entry.base_url, *entry.alternatives.values()}:
            return entry, address
    # An address that nobody knows gets the entry that promises least.
    entry = next((row for row in entries if row.id == CUSTOM), entries[0])
    return entry, _complete_address(api_base, entry)


def _complete_address(api_base: str, entry: CatalogueEntry) -> str:
    path = _VERSION_PATHS.get(entry.dialect, "")
    return clean_base_url(api_base, field="api_base").removesuffix(path) + path


def _check_headers(entry: CatalogueEntry, headers: Mapping[str, str]) -> None:
    for name in headers:
        if entry.allowed_headers and name.lower() not in entry.allowed_headers:
            raise ConfigurationError(
                f"{entry.name} lets no page send the header “{name}”.",
                field="extra_headers",
                remedy=f"It takes {', '.join(entry.allowed_headers)}.",
            )

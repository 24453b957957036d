"""Which of our providers another client means: by the address it calls, else by what it calls it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from urllib.parse import SplitResult, urlsplit, urlunsplit

from sidestep.catalogue import CUSTOM, CatalogueEntry, load_catalogue

__all__ = ["find_by_env", "find_by_name", "find_kind"]

_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "google": "gemini",
        "googleai": "gemini",
        "google-generative-ai": "gemini",
        "google_genai": "gemini",
        "claude": "anthropic",
        "zhipu": "bigmodel",
        "zhipuai": "bigmodel",
        "zhipuai-coding-plan": "bigmodel",
        "chatglm": "bigmodel",
        "glm": "bigmodel",
        "z-ai": "zai",
        "z.ai": "zai",
        "zai-coding-plan": "zai-coding",
        "moonshotai": "moonshot",
        "kimi": "moonshot",
        "kimi-for-coding": "kimi-coding",
        "togetherai": "together",
        "together_ai": "together",
        "together-ai": "together",
        "fireworks_ai": "fireworks",
        "fireworks-ai": "fireworks",
        "nvidia_nim": "nvidia",
        "bytedance": "volcengine",
        "doubao": "volcengine",
        "ark": "volcengine",
        "alibaba": "dashscope",
        "qwen": "dashscope",
        "tongyi": "dashscope",
        "siliconcloud": "siliconflow",
        "silicon": "siliconflow",
        "lmstudio": "lm-studio",
        "lm_studio": "lm-studio",
        "llamacpp": "llama-cpp",
        "llama.cpp": "llama-cpp",
        "hf": "huggingface",
        "grok": "xai",
        "x-ai": "xai",
        "mistralai": "mistral",
        "azure-openai": "azure",
        "azure_ai": "azure",
        "azureai": "azure",
        "amazon-bedrock": "bedrock",
        "google-vertex": "vertex",
        "vertex_ai": "vertex",
        "vertexai": "vertex",
        "hosted_vllm": "vllm",
        "litellm_proxy": "litellm-proxy",
        "litellm": "litellm-proxy",
        "openwebui": "open-webui",
        "openai-response": "openai-responses",
        "ollama_chat": "ollama",
    }
)
"""What other clients call our catalogue's providers."""
_ENVIRONMENT: Mapping[str, str] = MappingProxyType(
    {
        "GOOGLE_API_KEY": "gemini",
        "GOOGLE_GENERATIVE_AI_API_KEY": "gemini",
        "HUGGINGFACE_API_KEY": "huggingface",
        "HF_TOKEN": "huggingface",
        "ZHIPUAI_API_KEY": "bigmodel",
        "Z_AI_API_KEY": "zai",
        "TOGETHERAI_API_KEY": "together",
        "TOGETHER_API_KEY": "together",
        "FIREWORKS_API_KEY": "fireworks",
        "GROK_API_KEY": "xai",
        "COHERE_API_KEY": "cohere",
        "CLAUDE_API_KEY": "anthropic",
        "ARK_API_KEY": "volcengine",
        "AZURE_OPENAI_API_KEY": "azure",
    }
)
_VENDOR_HOSTS: Mapping[str, str] = MappingProxyType(
    {".openai.azure.com": "azure", ".cognitiveservices.azure.com": "azure", ".services.ai.azure.com": "azure"}
)
"""Hosts that every customer has one of."""


def find_by_name(name: str) -> CatalogueEntry | None:
    """Return the catalogue's entry that another client calls *name*, or None."""
    catalogue = load_catalogue()
    wanted = name.strip().lower()
    found = catalogue.get(_NAMES.get(wanted, wanted))
    return found if found and found.id not in {CUSTOM, "demo"} else None


def find_by_env(variable: str) -> CatalogueEntry | None:
    """Return the entry whose key an environment variable holds, or None."""
    catalogue = load_catalogue()
    if not variable:
        return None
    if named := _ENVIRONMENT.get(variable):
        return catalogue[named]
    return next((entry for entry in catalogue.values() if entry.key_env == variable and entry.id != CUSTOM), None)


def find_kind(base_url: str, name: str, dialect: str) -> tuple[CatalogueEntry, str]:
    """Return the entry that is meant, and its address.

    Args:
        base_url: an address, cleaned; empty where the other client had none.
        name: what that client calls the provider.
        dialect: what it speaks there; empty where that is not said.
    """
    catalogue = load_catalogue()
    named = find_by_name(name)
    if not base_url:
        entry = named or catalogue[CUSTOM]
        return entry, entry.base_url
    found = [(entry, address) for entry, address in _list_fitting(base_url) if dialect in {"", entry.dialect}]
    if named and any(entry is named for entry, _ in found):
        found = [(entry, address) for entry, address in found if entry is named]
    if not found:
        # A server of the user's own may run on any host.
        return (named, base_url) if named and named.is_local else (catalogue[CUSTOM], base_url)
    # The longest address says most; of the same ones the first stands for what is usual.
    entry, address = max(found, key=lambda pair: len(pair[1]))
    parts = urlsplit(base_url)
    is_bare = parts.path in {"", "/"} and entry.base_url
    return entry, urlunsplit((parts.scheme, parts.netloc, urlsplit(address).path, "", "")) if is_bare else base_url


def _list_fitting(base_url: str) -> Iterator[tuple[CatalogueEntry, str]]:
    """Yield each entry one of whose addresses *base_url* is, or begins with, or has the host of without saying more."""
    wanted = urlsplit(base_url)
    for entry in load_catalogue().values():
        for address in (entry.base_url, *entry.alternatives.values()):
            known = urlsplit(address)
            if not address or (known.scheme, _host(known)) != (wanted.scheme, _host(wanted)):
                continue
            if wanted.path in {"", known.path} or f"{wanted.path}/".startswith(f"{known.path}/"):
                yield entry, address
    for suffix, entry_id in _VENDOR_HOSTS.items():
        if (wanted.hostname or "").endswith(suffix):
            yield load_catalogue()[entry_id], base_url


def _host(address: SplitResult) -> str:
    """Return host and port, a computer's three names for itself as one."""
    return re.sub(r"^(?:127\.0\.0\.1|\[::1\])(?=:|$)", "localhost", address.netloc)

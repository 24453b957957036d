"""Clients that keep providers in a list or one by one: the predecessor, Hollama, Page Assist, Cherry, Chatbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidestep.importers._drafts import Collector, Draft
from sidestep.importers._formats import Format, count_fields
from sidestep.importers._rows import Row

__all__ = ["CHATBOX", "CHERRY", "HOLLAMA", "PAGE_ASSIST", "PREDECESSOR"]

_ROUTES: Mapping[str, str] = {"direct": "direct", "gateway": "relay", "auto": "auto"}
_LEGACY_ENDPOINT = "https://api.opencode-ai.com"


def _recognise_predecessor(value: Any) -> int:
    if isinstance(value, Mapping):
        return 3 * count_fields(
            value, "opencode-providers", "opencode-api-key", "opencode-endpoint", "opencode-provider"
        )
    return 2 * count_fields(
        value, "authType", "isActive", "routingMethod", "routingPreferences", "healthStatus", "customHeaders"
    )


def _read_predecessor(value: Any, collector: Collector) -> None:
    whole = Row(value if isinstance(value, Mapping) else {"opencode-providers": value})
    for row in whole.rows("opencode-providers"):
        _read_predecessor_provider(row, collector)
    key, endpoint = whole.text("opencode-api-key"), whole.text("opencode-endpoint")
    name = whole.text("opencode-provider")
    if key or endpoint:
        collector.add(Draft(name or "opencode", kind=name, base_url=endpoint or _LEGACY_ENDPOINT, api_key=key))
    collector.keep(whole.rest())


def _read_predecessor_provider(row: Row, collector: Collector) -> None:
    models, details = _read_models(row.items("models"), "id", collector)
    draft = Draft(
        row.text("name"),
        base_url=row.text("baseUrl"),
        api_key=row.text("apiKey"),
        headers=row.pairs("customHeaders"),
        models=models,
        route=_ROUTES.get(row.text("routingMethod"), "auto"),
        relay_url=row.text("gatewayEndpoint"),
    )
    row.text("id")
    draft.rest = {**row.rest(), **({"models": details} if details else {})}
    collector.add(draft)


def _recognise_hollama(value: Any) -> int:
    if isinstance(value, Mapping):
        return 3 if "hollama-servers" in value else 0
    return 2 * count_fields(value, "connectionType", "isVerified", "modelFilter") + count_fields(
        value, "isEnabled", "label"
    )


def _read_hollama(value: Any, collector: Collector) -> None:
    whole = Row(value if isinstance(value, Mapping) else {"hollama-servers": value})
    for row in whole.rows("hollama-servers"):
        wire = row.text("connectionType")
        row.text("id")
        draft = Draft(
            row.text("label"),
            kind=wire if wire == "ollama" else "",
            base_url=row.text("baseUrl"),
            has_bare_host=True,
            api_key=row.text("apiKey"),
            is_off=row.flag("isEnabled") is False,
        )
        draft.rest = row.rest()
        collector.add(draft)
    collector.keep(whole.rest())


def _recognise_page_assist(value: Any) -> int:
    if isinstance(value, Mapping):
        inner = value.get("oaiConfigs", value.get("data"))
        return 3 if "oaiConfigs" in value else _recognise_page_assist(inner) if isinstance(inner, list | Mapping) else 0
    return 2 * count_fields(value, "db_type", "fix_cors") + count_fields(value, "createdAt", "provider")


def _read_page_assist(value: Any, collector: Collector) -> None:
    whole = Row(value if isinstance(value, Mapping) else {"oaiConfigs": value})
    if "oaiConfigs" not in whole and "data" in whole:
        return _read_page_assist(whole.value("data"), collector)
    for row in whole.rows("oaiConfigs"):
        row.text("id")
        draft = Draft(
            row.text("name"),
            kind=row.text("provider"),
            base_url=row.text("baseUrl"),
            api_key=row.text("apiKey"),
            headers=row.pairs("headers"),
        )
        draft.rest = row.rest()
        collector.add(draft)
    collector.keep(whole.rest())
    return None


def _read_models(models: list[Any], id_field: str, collector: Collector) -> tuple[list[str], dict[str, Any]]:
    """Return the ids of *models*, texts or objects, and of the objects what else they say."""
    ids = [model.strip() if isinstance(model, str) else Row(model).text(id_field) for model in models]
    if nameless := sum(not model for model in ids):
        collector.note("left_out", f"Models without an id, in one list: {nameless}.")
    details = {model: held for model, held in zip(ids, models, strict=True) if model and isinstance(held, Mapping)}
    return [model for model in ids if model], {
        model: held for model, held in details.items() if set(held) != {id_field}
    }


_CHERRY_DIALECTS: Mapping[str, str] = {
    "anthropic": "anthropic",
    "gemini": "gemini",
    "openai-response": "openai_responses",
}


def _recognise_cherry(value: Any) -> int:
    return 4 if isinstance(value, Mapping) and "cherrystudio" in value else 0


def _read_cherry(value: Any, collector: Collector) -> None:
    given = value["cherrystudio"]
    for item in given if isinstance(given, list) else [given]:
        row = Row(item)
        base_url = row.text("baseUrl", "apiHost")
        # The client adds /v1 by itself, unless the address ends with a slash or with “#”.
        is_exact = base_url.endswith(("/", "#"))
        wire = row.text("type")
        keys = [key.strip() for key in row.text("apiKey").split(",") if key.strip()] or [""]
        kind = row.text("id")
        name = row.text("name")
        rest = row.rest()
        for number, key in enumerate(keys, start=1):
            collector.add(
                Draft(
                    name if number == 1 else f"{name or kind} {number}",
                    kind=kind,
                    base_url=base_url.rstrip("#"),
                    has_bare_host=not is_exact and wire != "gemini",
                    api_key=key,
                    dialect=_CHERRY_DIALECTS.get(wire, ""),
                    rest=rest,
                )
            )


_CHATBOX_DIALECTS: Mapping[str, str] = {
    "openai-responses": "openai_responses",
    "anthropic": "anthropic",
    "claude": "anthropic",
    "gemini": "gemini",
}


def _recognise_chatbox(value: Any) -> int:
    if not isinstance(value, Mapping):
        return 0
    settings = value.get("settings")
    is_backup = 3 * count_fields(value, "__exported_items", "__exported_at")
    has_settings = isinstance(settings, Mapping) and "apiHost" in settings
    return (
        is_backup
        + count_fields(settings, "providers", "customProviders")
        + (2 + count_fields(value, "isCustom", "urls", "type") if has_settings else 0)
    )


def _read_chatbox(value: Any, collector: Collector) -> None:
    row = Row(value)
    settings = row.row("settings")
    if "apiHost" in settings:
        _read_chatbox_provider(row, settings, collector)
        return
    own = settings.rows("customProviders")
    by_id = settings.row("providers")
    for custom in own:
        _read_chatbox_provider(custom, by_id.row(custom.text("id")), collector)
    for provider_id in [name for name in by_id.rest() if name not in {custom.text("id") for custom in own}]:
        _read_chatbox_provider(Row({"id": provider_id}), by_id.row(provider_id), collector)
    collector.keep({**row.rest(), **settings.rest()})


def _read_chatbox_provider(row: Row, settings: Row, collector: Collector) -> None:
    host, path = settings.text("apiHost"), settings.text("apiPath")
    models, details = _read_models(settings.items("models"), "modelId", collector)
    kind = row.text("id")
    row.flag("isCustom")
    draft = Draft(
        row.text("name"),
        kind=kind,
        base_url=host.rstrip("/") + path if path and not host.endswith(path) else host,
        has_bare_host=True,
        api_key=settings.text("apiKey"),
        dialect=_CHATBOX_DIALECTS.get(row.text("type"), ""),
        models=models,
    )
    draft.rest = {**row.rest(), **settings.rest(), **({"models": details} if details else {})}
    if draft.base_url or draft.api_key or models:
        collector.add(draft)


PREDECESSOR = Format(
    "opencode-web-ui",
    "the OpenCode web UI's settings",
    _recognise_predecessor,
    _read_predecessor,
    ("opencode-providers", "opencode-api-key", "opencode-endpoint", "opencode-provider"),
)
HOLLAMA = Format("hollama", "Hollama's servers", _recognise_hollama, _read_hollama, ("hollama-servers",))
PAGE_ASSIST = Format("page-assist", "Page Assist's providers", _recognise_page_assist, _read_page_assist)
CHERRY = Format("cherry-studio", "a Cherry Studio link", _recognise_cherry, _read_cherry)
CHATBOX = Format("chatbox", "Chatbox's settings", _recognise_chatbox, _read_chatbox)

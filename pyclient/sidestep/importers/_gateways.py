"""What programs and gateways are configured with: opencode, LiteLLM, Portkey."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sidestep.ai_sdk_packages import PACKAGES
from sidestep.catalogue import CUSTOM, load_catalogue
from sidestep.importers._drafts import Collector, Draft
from sidestep.importers._formats import Format, count_fields
from sidestep.importers._kinds import find_by_name
from sidestep.importers._rows import Row

__all__ = ["LITELLM", "OPENCODE", "PORTKEY"]

_DIALECTS = {package: dialect for dialect, package in PACKAGES.items()}


def _recognise_opencode(value: Any) -> int:
    if not isinstance(value, Mapping) or not isinstance(value.get("provider"), Mapping):
        return 0
    rows = [row for row in value["provider"].values() if isinstance(row, Mapping)]
    is_named = "opencode.ai" in str(value.get("$schema", ""))
    fits = not rows or count_fields(rows, "npm", "options", "models", "name") > 0
    return (3 if fits else 0) + (3 if is_named else 0)


def _read_opencode(value: Any, collector: Collector) -> None:
    whole = Row(value)
    whole.text("$schema")
    disabled = set(whole.texts("disabled_providers"))
    providers = whole.row("provider")
    for provider_id in providers:
        row = providers.row(provider_id)
        options = row.row("options")
        models = row.row("models")
        package = row.text("npm")
        named = find_by_name(provider_id)
        details = {
            name: models.value(name)
            for name in models
            if isinstance(models.value(name), Mapping) and models.value(name)
        }
        draft = Draft(
            row.text("name") or ("" if named else provider_id),
            kind=provider_id,
            id=provider_id,
            base_url=options.text("baseURL", "baseUrl") or row.text("api"),
            api_key=options.text("apiKey"),
            dialect=_DIALECTS.get(package, ""),
            headers=options.pairs("headers"),
            models=list(models),
            is_off=provider_id in disabled,
        )
        rest_of_options = options.rest()
        draft.rest = {
            **row.rest(),
            **({"npm": package} if package and package not in _DIALECTS else {}),
            **({"models": details} if details else {}),
            **({"options": rest_of_options} if rest_of_options else {}),
        }
        collector.add(draft)
    collector.keep(whole.rest())


def _recognise_litellm(value: Any) -> int:
    if not isinstance(value, Mapping) or not isinstance(value.get("model_list"), list):
        return 0
    return 5


def _read_litellm(value: Any, collector: Collector) -> None:
    whole = Row(value)
    listed = [_Deployment(row) for row in whole.rows("model_list")]
    deployments = [deployment for deployment in listed if deployment.model]
    if nameless := len(whole.items("model_list")) - len(deployments):
        collector.note("left_out", f"Entries of “model_list” that name no model: {nameless}.")
    ids: dict[tuple[str, ...], str] = {}
    for deployment in deployments:
        if deployment.identity not in ids:
            same = [other for other in deployments if other.identity == deployment.identity]
            ids[deployment.identity] = collector.add(deployment.draft([other.model for other in same], same))
    for name, members in _group(deployments):
        told = [
            {"model": f"{ids[member.identity]}/{member.model}", "weight": member.weight}
            for member in members
            if ids[member.identity] and member.model and "*" not in member.model
        ]
        if len(told) > 1:
            collector.add_group(name, "weighted", told)
    collector.keep(whole.rest())


def _group(deployments: list[_Deployment]) -> Iterator[tuple[str, list[_Deployment]]]:
    """Yield each public name that stands for more than one deployment."""
    by_name: dict[str, list[_Deployment]] = {}
    for deployment in deployments:
        by_name.setdefault(deployment.public_name, []).append(deployment)
    yield from ((name, members) for name, members in by_name.items() if name and len(members) > 1)


class _Deployment:
    """One entry of LiteLLM's `model_list`."""

    def __init__(self, row: Row) -> None:
        parameters = row.row("litellm_params")
        whole = parameters.text("model")
        prefix, slash, rest = whole.partition("/")
        self.public_name = row.text("model_name")
        self.base_url = parameters.text("api_base", "base_url")
        self.kind = parameters.text("custom_llm_provider") or (prefix if slash and _is_prefix(prefix) else "")
        self.model = rest if slash and _is_prefix(prefix) else whole
        self.key = parameters.text("api_key")
        self.weight = parameters.number("weight") or 1
        self.headers = parameters.pairs("extra_headers")
        self.row_rest = row.rest()
        self.rest = parameters.rest()

    @property
    def identity(self) -> tuple[str, ...]:
        """What deployments of the same provider have in common."""
        return (self.kind, self.base_url, self.key, *sorted(f"{name}:{value}" for name, value in self.headers.items()))

    def draft(self, models: list[str], same: list[_Deployment]) -> Draft:
        entry = _find_prefix(self.kind)
        is_own = self.base_url and self.kind in {"openai", "custom_openai", "text-completion-openai", ""}
        details = {
            other.model: {**other.row_rest, **other.rest, **_alias(other)}
            for other in same
            if other.row_rest or other.rest or _alias(other)
        }
        kind = "openai" if not self.base_url and not self.kind else "" if is_own else entry
        # Its own programs put the version behind an address of this wire.
        is_short = kind == "anthropic" and self.base_url and not self.base_url.rstrip("/").endswith("/v1")
        return Draft(
            "" if kind or self.base_url else self.public_name,
            kind=kind,
            base_url=f"{self.base_url.rstrip('/')}/v1" if is_short else self.base_url,
            has_bare_host=kind == "ollama",
            api_key=self.key,
            dialect="openai_chat" if is_own else "anthropic" if kind == "anthropic" else "",
            headers=self.headers,
            models=models,
            rest={"models": details} if details else {},
        )


def _alias(deployment: _Deployment) -> dict[str, str]:
    is_other = deployment.public_name and deployment.public_name != deployment.model
    return {"model_name": deployment.public_name} if is_other else {}


def _is_prefix(prefix: str) -> bool:
    known = {entry.litellm_prefix for entry in load_catalogue().values()} | {"custom_openai", "text-completion-openai"}
    return prefix in known or find_by_name(prefix) is not None


def _find_prefix(prefix: str) -> str:
    if entry := find_by_name(prefix):
        return entry.id
    rows = (entry for entry in load_catalogue().values() if entry.litellm_prefix == prefix and entry.id != CUSTOM)
    return next((entry.id for entry in rows), "")


def _recognise_portkey(value: Any) -> int:
    if not isinstance(value, Mapping):
        return 0
    targets = value.get("targets")
    telling = (
        count_fields(targets, "virtual_key", "override_params", "custom_host", "provider", "weight")
        if isinstance(targets, list)
        else 0
    )
    alone = count_fields(value, "virtual_key", "override_params", "custom_host", "strategy")
    has_provider = isinstance(value.get("provider"), str)
    return (2 + telling if telling else 0) + (alone if telling or has_provider or "virtual_key" in value else 0)


def _read_portkey(value: Any, collector: Collector) -> None:
    members = [
        {"model": f"{provider_id}/{model}", "weight": weight or 1}
        for provider_id, model, weight in _read_targets(Row(value), collector, depth=0)
        if provider_id and model
    ]
    whole = Row(value)
    mode = whole.row("strategy").text("mode")
    if len(members) > 1 and mode in {"fallback", "loadbalance"}:
        collector.add_group("portkey", "weighted" if mode == "loadbalance" else "order", members)
    for name in ("targets", "provider", "api_key", "virtual_key", "override_params", "custom_host", "weight"):
        whole.value(name)
    collector.keep(whole.rest())


def _read_targets(row: Row, collector: Collector, depth: int) -> Iterator[tuple[str, str, float | None]]:
    targets = row.rows("targets")
    for target in targets if depth < 8 else []:  # noqa: PLR2004
        if "targets" in target:
            yield from _read_targets(target, collector, depth + 1)
        else:
            yield _read_target(target, collector)
    if not targets and ("provider" in row or "virtual_key" in row):
        yield _read_target(row, collector)


def _read_target(row: Row, collector: Collector) -> tuple[str, str, float | None]:
    kind = row.text("provider").removeprefix("@")
    virtual = row.text("virtual_key")
    overrides = row.row("override_params")
    model = overrides.text("model")
    named = find_by_name(kind)
    weight = row.number("weight")
    draft = Draft(
        "" if named else kind or virtual,
        kind=kind,
        base_url=row.text("custom_host"),
        api_key=row.text("api_key"),
        headers=row.pairs("custom_headers"),
        models=[model] if model else [],
    )
    rest = overrides.rest()
    draft.rest = {**row.rest(), **({"override_params": rest} if rest else {})}
    if virtual and not named and not draft.base_url:
        collector.note(
            "left_out", "A target was left out: its virtual key stands for a provider that only Portkey knows."
        )
        return "", model, weight
    return collector.add(draft), model, weight


OPENCODE = Format("opencode", "an opencode.json", _recognise_opencode, _read_opencode)
LITELLM = Format("litellm", "a LiteLLM configuration", _recognise_litellm, _read_litellm)
PORTKEY = Format("portkey", "a Portkey configuration", _recognise_portkey, _read_portkey)

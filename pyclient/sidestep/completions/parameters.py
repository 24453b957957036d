"""LiteLLM's arguments to ours: what each becomes, and a refusal by name for what cannot be kept. No IO."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal, TypedDict

from sidestep.calls import make_chat_call
from sidestep.completions.failures import UnsupportedParamsError
from sidestep.config import Provider
from sidestep.errors import ConfigurationError
from sidestep.messages import read_tool
from sidestep.types import ChatRequest, WireRules

__all__ = ["FATES", "CompletionParameters", "Fate", "read_parameters", "wants_usage"]

Fate = Literal["honoured", "passed through", "refused", "meaningless here"]


class CompletionParameters(TypedDict, total=False):
    """LiteLLM's arguments that `acompletion` takes; each means what it means there (docs/litellm.md)."""

    api_base: str | None
    api_key: str | None
    base_url: str | None
    custom_llm_provider: str | None
    drop_params: bool | None
    extra_body: Mapping[str, Any] | None
    extra_headers: Mapping[str, str] | None
    frequency_penalty: float | None
    logit_bias: Mapping[str, float] | None
    max_completion_tokens: int | None
    max_retries: int | None
    max_tokens: int | None
    model_list: Any
    n: int | None
    num_retries: int | None
    parallel_tool_calls: bool | None
    prediction: Mapping[str, Any] | None
    presence_penalty: float | None
    prompt_cache_key: str | None
    reasoning_effort: str | None
    response_format: Any
    safety_identifier: str | None
    seed: int | None
    service_tier: str | None
    shared_session: Any
    stop: str | Sequence[str] | None
    store: bool | None
    stream_options: Mapping[str, Any] | None
    temperature: float | None
    thinking: Mapping[str, Any] | None
    timeout: float | None
    tool_choice: str | Mapping[str, Any] | None
    tools: Sequence[Mapping[str, Any]] | None
    top_p: float | None
    user: str | None
    verbosity: str | None
    web_search_options: Mapping[str, Any] | None


@dataclass(slots=True)
class _Translation:
    """What one call's arguments have become so far.

    Attributes:
        ours: parameters of `sidestep.Client.stream`.
        extra: fields of the request's body.
        unsupported: what cannot be kept, and why.
    """

    provider: Provider
    model: str
    ours: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)
    unsupported: dict[str, str] = field(default_factory=dict)

    @property
    def is_openai_wire(self) -> bool:
        """Whether the body has the very fields that LiteLLM's arguments are named after."""
        return self.provider.dialect == "openai_chat"

    @property
    def rules(self) -> WireRules:
        """How the model differs from the wire."""
        return self.provider.entry.rules_for(self.model)

    def pass_on(self, name: str, value: Any) -> None:
        """Put a field that only OpenAI's wire has into the body, as it is."""
        if self.is_openai_wire and name not in self.rules.dropped:
            self.extra[name] = value
        else:
            self.unsupported[name] = f"{self.provider.name} has no place for it with {self.model}."

    def encode(self, parameters: Mapping[str, Any]) -> bytes | None:
        """Return the body that *parameters* of ours make."""
        return make_chat_call(self.provider, ChatRequest(self.model, (), **parameters)).direct.body


_Reader = Callable[[_Translation, str, Any], None]


def read_parameters(provider: Provider, model: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of `sidestep.Client.stream` that stand for *given*, LiteLLM's; None counts as not given.

    Args:
        provider: who is asked; its wire decides what has a place.
        model: which of its models, by its own id; some take less than others.
        given: arguments by LiteLLM's names; with `drop_params`, what is not supported is left out.

    Raises:
        UnsupportedParamsError: something cannot be kept; the message names all of it.
        ConfigurationError: a value cannot be read.
    """
    translation = _Translation(provider, model)
    for name, value in given.items():
        if value is not None:
            _READERS.get(name, _refuse)(translation, name, value)
    _find_unplaced(translation)
    if translation.unsupported and not given.get("drop_params"):
        raise _describe(translation.unsupported)
    body = given.get("extra_body") or {}
    return translation.ours | {"extra": {**translation.extra, **body}}


def wants_usage(given: Mapping[str, Any]) -> bool:
    """Say whether a stream is to end with the tokens spent."""
    options = given.get("stream_options")
    return isinstance(options, Mapping) and bool(options.get("include_usage"))


def _describe(unsupported: Mapping[str, str]) -> UnsupportedParamsError:
    names = ", ".join(unsupported)
    reasons = " ".join(f"{name}: {reason}" for name, reason in unsupported.items())
    return UnsupportedParamsError(
        f"Not supported here: {names}. {reasons}",
        remedy="Leave it out, or say drop_params=True to have it left out.",
    )


def _find_unplaced(translation: _Translation) -> None:
    """Take out what the provider's wire has no place for: what leaves the request's body as it was without."""
    for name in sorted(set(translation.ours) & _OPTIONAL):
        rest = {own: value for own, value in translation.ours.items() if own != name}
        if translation.encode(translation.ours) != translation.encode(rest):
            continue
        if (name, translation.ours[name]) not in _HARMLESS:
            translation.unsupported[_LITELLM_NAMES.get(name, name)] = (
                f"{translation.provider.name} has no place for this value of it with {translation.model}."
            )
        translation.ours = rest


def _keep(translation: _Translation, name: str, value: Any) -> None:
    translation.ours[name] = value


def _pass_on(translation: _Translation, name: str, value: Any) -> None:
    translation.pass_on(name, value)


def _ignore(translation: _Translation, name: str, value: Any) -> None:
    """Do nothing: the argument is about LiteLLM's own workings, or is read elsewhere."""


def _refuse(translation: _Translation, name: str, _: Any) -> None:
    reason = "Sidestep does not know it; extra_body sends a provider's own fields as they are."
    translation.unsupported[name] = _REFUSALS.get(name, reason)


def _read_count(translation: _Translation, name: str, value: Any) -> None:
    if value != 1:
        translation.unsupported[name] = "One answer a call."


def _read_limit(translation: _Translation, name: str, value: Any) -> None:
    # The newer name goes first when both are given.
    if name == "max_completion_tokens" or "max_tokens" not in translation.ours:
        translation.ours["max_tokens"] = value


def _read_stop(translation: _Translation, name: str, value: Any) -> None:
    if stop := (value,) if isinstance(value, str) else tuple(value):
        translation.ours[name] = stop


def _read_effort(translation: _Translation, name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise ConfigurationError("reasoning_effort is a word, such as low or high.", field=name)
    translation.ours[name] = value


def _read_tools(translation: _Translation, name: str, value: Any) -> None:
    tools = list(value)
    if not tools:
        return
    if translation.is_openai_wire:
        # As they are: a provider may know more of a tool than we do (`strict`, tools of its own).
        translation.pass_on(name, tools)
    elif all(tool.get("type", "function") == "function" for tool in tools):
        translation.ours[name] = tuple(read_tool(tool) for tool in tools)
    else:
        translation.unsupported[name] = f"{translation.provider.name} is given functions only."


def _read_tool_choice(translation: _Translation, name: str, value: Any) -> None:
    match value:
        case str(choice) | {"type": "function", "function": {"name": str(choice)}} | {"name": str(choice)}:
            translation.ours[name] = choice
        case _:
            raise ConfigurationError("tool_choice is auto, none, required, or names one function.", field=name)


def _read_format(translation: _Translation, name: str, value: Any) -> None:
    if hasattr(value, "model_json_schema"):
        schema = {"name": value.__name__, "schema": value.model_json_schema()}
        value = {"type": "json_schema", "json_schema": schema}
    match value:
        case {"type": "text"}:
            return
        case _ if translation.is_openai_wire:
            translation.pass_on(name, value)
        case {"type": "json_schema", "json_schema": {"schema": Mapping() as wanted}}:
            translation.ours["response_schema"] = wanted
        case _:
            translation.unsupported[name] = f"{translation.provider.name} takes a json_schema only."


def _read_thinking(translation: _Translation, name: str, value: Any) -> None:
    is_own_field = translation.rules.reasoning_control == "thinking"
    match value:
        case Mapping() if translation.is_openai_wire and is_own_field:
            translation.pass_on(name, dict(value))
        case {"type": "disabled"}:
            translation.ours["reasoning_effort"] = "none"
        case {"type": "enabled", "budget_tokens": int(budget)}:
            translation.ours["reasoning_budget"] = budget
        case _:
            raise ConfigurationError('thinking is {"type": "enabled", "budget_tokens": n}.', field=name)


def _read_stream_options(translation: _Translation, name: str, value: Any) -> None:
    if others := sorted(set(value) - {"include_usage"}):
        translation.unsupported[f"{name}.{others[0]}"] = "Of a stream's options there is include_usage."


_OPTIONAL = frozenset(row.name for row in fields(ChatRequest)) - {
    "model",
    "messages",
    "is_stream",
    # Every wire has a place for a limit on tokens, and one wire sends its own default without.
    "max_tokens",
    "extra",
}
_HARMLESS = (
    # What a wire does anyway that has no switch for it.
    ("reasoning_effort", "none"),
    ("tool_choice", "none"),
    # What a model does anyway that takes no other value.
    ("temperature", 1),
    ("top_p", 1),
    ("presence_penalty", 0),
    ("frequency_penalty", 0),
)
_LITELLM_NAMES: Mapping[str, str] = {"response_schema": "response_format", "reasoning_budget": "thinking"}
_PASSED = (
    "logit_bias",
    "parallel_tool_calls",
    "prediction",
    "prompt_cache_key",
    "safety_identifier",
    "service_tier",
    "store",
    "user",
    "verbosity",
    "web_search_options",
)
_MEANINGLESS = ("model_list", "shared_session")
_REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "api_version": "The address says the version.",
        "audio": "An answer holds text.",
        "deployment_id": "Name the deployment as the model.",
        "enable_json_schema_validation": "Check the answer where it is used.",
        "function_call": "Use tool_choice.",
        "functions": "Use tools.",
        "include_server_side_tool_invocations": "An answer does not say what ran at the provider.",
        "logprobs": "An answer holds no probabilities.",
        "modalities": "An answer holds text.",
        "top_logprobs": "An answer holds no probabilities.",
    }
)
_READ_ELSEWHERE = (
    "api_base",
    "api_key",
    "base_url",
    "custom_llm_provider",
    "drop_params",
    "extra_body",
    "extra_headers",
    "max_retries",
    "num_retries",
    "timeout",
)
_HONOURED: Mapping[str, _Reader] = MappingProxyType(
    {
        **dict.fromkeys(_READ_ELSEWHERE, _ignore),
        "frequency_penalty": _keep,
        "max_completion_tokens": _read_limit,
        "max_tokens": _read_limit,
        "n": _read_count,
        "presence_penalty": _keep,
        "reasoning_effort": _read_effort,
        "response_format": _read_format,
        "seed": _keep,
        "stop": _read_stop,
        "stream_options": _read_stream_options,
        "temperature": _keep,
        "thinking": _read_thinking,
        "tool_choice": _read_tool_choice,
        "tools": _read_tools,
        "top_p": _keep,
    }
)
_READERS: Mapping[str, _Reader] = MappingProxyType(
    {**_HONOURED, **dict.fromkeys(_PASSED, _pass_on), **dict.fromkeys(_MEANINGLESS, _ignore)}
)

FATES: Mapping[str, Fate] = MappingProxyType(
    {
        **dict.fromkeys(("messages", "model", "stream", *_HONOURED), "honoured"),
        **dict.fromkeys(_PASSED, "passed through"),
        **dict.fromkeys(_REFUSALS, "refused"),
        **dict.fromkeys(_MEANINGLESS, "meaningless here"),
    }
)
"""What becomes of each argument; docs/litellm.md is held against it."""

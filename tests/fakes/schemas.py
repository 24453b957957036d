"""What each provider takes: requests held against the vendors' published schemas.

OpenAI and Anthropic publish theirs as the types of their SDKs, which are generated from their OpenAPI descriptions;
Google's are the models of google-genai, which refuse what they do not know. The SDKs would not mind an unknown field
themselves, so `find_problem` walks their types with a closed world. Mistral's is written down here, after
docs.mistral.ai (*Chat Completion*): of all, it is the API itself that answers 422 to a field it does not know.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, Literal, NotRequired, TypedDict, Union, get_args, get_origin

import typing_extensions

__all__ = ["SCHEMAS", "find_problem"]

SCHEMAS = ("openai_chat", "openai_responses", "anthropic", "gemini", "mistral")


def find_problem(schema: str, document: Any) -> str:
    """Return what *document* has that the schema of this name refuses, as `place: what`; empty if nothing."""
    if schema == "gemini":
        return _find_in_gemini(document)
    return _check(document, _load(schema), "body")


@cache
def _load(schema: str) -> Any:
    # Loading an SDK takes seconds, which only the tests that hold requests against it should pay.
    if schema == "mistral":
        return _MistralRequest
    if schema == "anthropic":
        return _load_anthropic()
    if schema == "openai_chat":
        from openai.types.chat import completion_create_params  # noqa: PLC0415

        return completion_create_params.CompletionCreateParams
    from openai.types.responses import response_create_params  # noqa: PLC0415

    return response_create_params.ResponseCreateParams


def _load_anthropic() -> Any:
    from anthropic.types import message_create_params  # noqa: PLC0415

    # The SDK speaks API version 2026-10-21, which took these two away. Version 2023-06-01, which is asked for here,
    # keeps them (docs.claude.com, *Versions*), though not for every model.
    class Request(message_create_params.MessageCreateParamsBase, total=False):
        stream: bool
        temperature: float
        top_p: float

    return Request


def _find_in_gemini(document: Any) -> str:
    from pydantic import ValidationError  # noqa: PLC0415

    try:
        _load_gemini().model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        return f"{'.'.join(map(str, ('body', *first['loc'])))}: {first['msg']}"
    return ""


@cache
def _load_gemini() -> Any:
    from google.genai import types as wire  # noqa: PLC0415
    from pydantic import ConfigDict, create_model  # noqa: PLC0415

    optional: dict[str, Any] = {
        "systemInstruction": (wire.Content | None, None),
        "generationConfig": (wire.GenerationConfig | None, None),
        "safetySettings": (list[wire.SafetySetting] | None, None),
        "tools": (list[wire.Tool] | None, None),
        "toolConfig": (wire.ToolConfig | None, None),
        "cachedContent": (str | None, None),
    }
    contents: Any = (list[wire.Content], ...)
    return create_model("_Request", __config__=ConfigDict(extra="forbid"), contents=contents, **optional)


# --- the walk


def _check(value: Any, hint: Any, where: str) -> str:
    """Return where *value* does not fit *hint*; empty if it does."""
    hint = _strip(hint)
    if get_origin(hint) is not None:
        return _check_generic(value, get_origin(hint), get_args(hint), where)
    if typing_extensions.is_typeddict(hint):
        return _check_object(value, hint, where)
    return "" if hint in (Any, object) else _check_plain(value, hint, where)


def _check_generic(value: Any, origin: Any, arguments: Sequence[Any], where: str) -> str:
    if origin in (Union, types.UnionType):
        return _check_union(value, arguments, where)
    if origin is Literal:
        return "" if value in arguments else f"{where}: {value!r} is none of {arguments}"
    if issubclass(origin, Mapping):
        return _check_mapping(value, arguments[1], where)
    return _check_list(value, arguments[0], where)


def _strip(hint: Any) -> Any:
    while get_origin(hint) in (typing.Required, NotRequired, typing_extensions.Required, Annotated):
        hint = get_args(hint)[0]
    return hint


def _check_union(value: Any, members: Sequence[Any], where: str) -> str:
    problems = [_check(value, member, where) for member in members]
    # The member that fits furthest down is the one that was meant.
    return "" if "" in problems else max(problems, key=lambda problem: problem.partition(": ")[0].count("."))


def _check_object(value: Any, hint: Any, where: str) -> str:
    if not isinstance(value, dict):
        return f"{where}: {type(value).__name__} is no object"
    fields, required = _read_fields(hint)
    if missing := sorted(required - value.keys()):
        return f"{where}.{missing[0]}: field required"
    if unknown := sorted(value.keys() - fields.keys()):
        return f"{where}.{unknown[0]}: unknown field"
    return _first(_check(value[name], fields[name], f"{where}.{name}") for name in value)


def _check_mapping(value: Any, hint: Any, where: str) -> str:
    if not isinstance(value, dict):
        return f"{where}: {type(value).__name__} is no object"
    return _first(_check(row, hint, f"{where}.{name}") for name, row in value.items())


def _check_list(value: Any, hint: Any, where: str) -> str:
    if not isinstance(value, list):
        return f"{where}: {type(value).__name__} is no list"
    return _first(_check(row, hint, f"{where}.{index}") for index, row in enumerate(value))


def _check_plain(value: Any, hint: Any, where: str) -> str:
    if hint is None or hint is type(None):
        fits = value is None
    elif hint is float:
        fits = isinstance(value, int | float) and not isinstance(value, bool)
    elif hint is int:
        fits = isinstance(value, int) and not isinstance(value, bool)
    else:
        fits = isinstance(value, hint)
    return "" if fits else f"{where}: {type(value).__name__} is no {getattr(hint, '__name__', hint)}"


def _first(problems: Iterable[str]) -> str:
    return next((problem for problem in problems if problem), "")


@cache
def _read_fields(hint: Any) -> tuple[dict[str, Any], frozenset[str]]:
    """Return a typed dictionary's fields, and those that must be there.

    `__required_keys__` is no help: it is wrong wherever annotations are text.
    """
    fields = typing_extensions.get_type_hints(hint, include_extras=True)
    bases = [base for base in typing_extensions.get_original_bases(hint) if typing_extensions.is_typeddict(base)]
    inherited = {name: row for base in bases for name, row in _read_fields(base)[0].items()}
    required = {name for base in bases for name in _read_fields(base)[1]}
    for name, row in fields.items():
        said: Any = get_origin(row)
        is_own_and_total = hint.__total__ and name not in inherited and said is not NotRequired
        if said in (typing.Required, typing_extensions.Required) or is_own_and_total:
            required.add(name)
    return fields, frozenset(required)


# --- Mistral


class _Text(TypedDict):
    type: Literal["text"]
    text: str


class _ImageUrl(TypedDict):
    url: str
    detail: NotRequired[str]


class _Image(TypedDict):
    type: Literal["image_url"]
    image_url: str | _ImageUrl


class _Thinking(TypedDict):
    type: Literal["thinking"]
    thinking: list[_Text]
    closed: NotRequired[bool]


class _Document(TypedDict):
    type: Literal["document_url"]
    document_url: str
    document_name: NotRequired[str]


_Content = str | list[_Text | _Image | _Thinking | _Document]


class _CalledFunction(TypedDict):
    name: str
    arguments: str | dict[str, Any]


class _Call(TypedDict):
    id: str
    type: Literal["function"]
    function: _CalledFunction


class _Question(TypedDict):
    role: Literal["system", "user"]
    content: _Content


class _Answer(TypedDict):
    role: Literal["assistant"]
    content: NotRequired[_Content | None]
    tool_calls: NotRequired[list[_Call] | None]
    prefix: NotRequired[bool]


class _Result(TypedDict):
    role: Literal["tool"]
    content: _Content
    tool_call_id: str
    name: NotRequired[str]


class _Function(TypedDict):
    name: str
    description: NotRequired[str]
    strict: NotRequired[bool]
    parameters: dict[str, Any]


class _Tool(TypedDict):
    type: Literal["function"]
    function: _Function


class _Named(TypedDict):
    name: str


class _Choice(TypedDict):
    type: Literal["function"]
    function: _Named


class _JsonSchema(TypedDict):
    name: str
    schema: dict[str, Any]
    strict: NotRequired[bool]
    description: NotRequired[str]


class _Format(TypedDict):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: NotRequired[_JsonSchema]


class _MistralRequest(TypedDict, total=False):
    model: typing.Required[str]
    messages: typing.Required[list[_Question | _Answer | _Result]]
    temperature: float | None
    top_p: float
    max_tokens: int | None
    stream: bool
    stop: str | list[str]
    random_seed: int | None
    response_format: _Format
    tools: list[_Tool] | None
    tool_choice: Literal["auto", "none", "any", "required"] | _Choice
    presence_penalty: float
    frequency_penalty: float
    n: int | None
    parallel_tool_calls: bool
    prompt_mode: Literal["reasoning"] | None
    safe_prompt: bool

"""The relay's contract as an OpenAPI 3.1 document, written from the data that the relay itself goes by.

Fields come from `fields`, error codes from `error_codes`, the names of models from the providers that are there, so the
document of a relay is of that relay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from sidestep._version import __version__
from sidestep.envelopes import CONTENT_TYPE, KEY_HEADER, TIME_HEADER
from sidestep.envelopes import PATH as SEALED_PATH
from sidestep_relay.allowances import LIMIT_NAMES
from sidestep_relay.error_codes import ERROR_CODES, list_codes
from sidestep_relay.fields import INTEGER_BOUNDS, OPENAI_FIELDS, STEERING, VENDOR_FIELDS
from sidestep_relay.headers import CACHE_HEADER
from sidestep_relay.probes import METHODS, MOST_HEADERS
from sidestep_relay.sources import Outcome
from sidestep_relay.ticks import TICK_RANGES

__all__ = ["make_document"]

JsonSchema = dict[str, Any]

_CLIENT_ERRORS = range(400, 500)
_PROVIDER_CODES = sorted(code for code, row in ERROR_CODES.items() if row.is_provider)
_OPEN_DIALECT = "openai_chat"

_TEXT: JsonSchema = {"type": "string"}
_FLAG: JsonSchema = {"type": "boolean"}
_MS: JsonSchema = {"type": "number", "minimum": 0, "description": "Milliseconds."}
_NAMES: JsonSchema = {"type": "array", "items": _TEXT}


def make_document(prefixes: Iterable[tuple[str, str]], largest_body: int) -> dict[str, Any]:
    """Return the document.

    Args:
        prefixes: of each provider that can be called, what its models' names begin with, and what it speaks to a relay.
        largest_body: bytes of a request.
    """
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Sidestep relay",
            "version": __version__,
            "license": {"name": "MIT", "identifier": "MIT"},
            "description": "A relay for pages whose provider answers no browser. Everything under /v1/ needs the "
            "relay's token. Each error is one envelope; its `origin` tells the relay's refusal from the provider's.",
        },
        "security": [{"token": []}],
        "paths": {path: {method: row} for path, method, row in _list_operations(largest_body)},
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "The relay's token, not a provider's key."}
            },
            "headers": _HEADERS,
            "parameters": _PARAMETERS,
            "schemas": {**_SCHEMAS, "ChatRequest": _describe_chat(prefixes)},
        },
    }


def _list_operations(largest_body: int) -> list[tuple[str, str, JsonSchema]]:
    body = f"At most {largest_body} bytes, in UTF-8, not packed; no field twice."
    return [
        (
            "/v1/chat/completions",
            "post",
            {
                "operationId": "chat",
                "summary": "Send a chat to its provider, and its answer back.",
                "description": "OpenAI's chat wire. One request reaches the provider, or none.",
                "parameters": [
                    _refer("parameters", name)
                    for name in ("ProviderKey", "SealedKey", "ProviderBase", "Cache", "RequestId")
                ],
                "requestBody": _describe_body("ChatRequest", body),
                "responses": _describe_responses(
                    "chat",
                    {
                        "description": "The answer: one document, or a stream if `stream` was true. A stream is of "
                        "server-sent events whose data are chunks, the last one `[DONE]`. A comment, `: ping`, keeps "
                        "it alive while the provider is silent. What goes wrong after the first byte is an event "
                        "`error` with the envelope, and ends it.",
                        "content": {
                            "application/json": {"schema": _refer("schemas", "ChatCompletion")},
                            # What an event's schema would describe is not agreed on before OpenAPI 3.2.
                            "text/event-stream": {},
                        },
                    },
                    headers=("ServerTiming", "Cache", "Age"),
                ),
            },
        ),
        (
            "/v1/models",
            "get",
            {
                "operationId": "models",
                "summary": "List the models that the relay knows, or those of one provider.",
                "parameters": [
                    {
                        "name": "provider",
                        "in": "query",
                        "description": "A catalogue id, or what a model's name begins with; without it the catalogue.",
                        "schema": _TEXT,
                    },
                    *(_refer("parameters", name) for name in ("ProviderKey", "SealedKey", "ProviderBase", "RequestId")),
                ],
                "responses": _describe_responses("models", _describe_json("Models", "The models.")),
            },
        ),
        (
            "/v1/probe",
            "post",
            {
                "operationId": "probe",
                "summary": "Say what the relay's server sees of a provider's URL.",
                "description": "It carries no key and costs no tokens.",
                "parameters": [_refer("parameters", "RequestId")],
                "requestBody": _describe_body("ProbeRequest", body),
                "responses": _describe_responses(
                    "probe", _describe_json("Probe", "What was seen."), headers=("ServerTiming",)
                ),
            },
        ),
        ("/v1/relay", "get", _describe_get("relay", "Say what this relay is and can.", "Relay")),
        (
            "/v1/relay/ticks",
            "post",
            {
                "operationId": "ticks",
                "summary": "Stream a few events at known moments, to see what stands between.",
                "parameters": [
                    *(
                        {
                            "name": name,
                            "in": "query",
                            "schema": {"type": "integer", "minimum": least, "maximum": most},
                        }
                        for name, (least, most) in TICK_RANGES.items()
                    ),
                    _refer("parameters", "RequestId"),
                ],
                "responses": _describe_responses(
                    "ticks", {"description": "The events.", "content": {"text/event-stream": {}}}
                ),
            },
        ),
        (
            SEALED_PATH,
            "post",
            {
                "operationId": "sealed",
                "summary": "Send any other request sealed, and get its answer sealed.",
                "description": "docs/sealing.md has the form of an envelope. The token is inside.",
                "security": [],
                "parameters": [_refer("parameters", "RequestId")],
                "requestBody": {"required": True, "content": {CONTENT_TYPE: {}}},
                "responses": _describe_responses(
                    "sealed", {"description": "The sealed answer, whatever it says.", "content": {CONTENT_TYPE: {}}}
                ),
            },
        ),
        ("/v1/openapi.json", "get", _describe_get("openapi", "Return this document.", "Document")),
        (
            "/metrics",
            "get",
            {
                "operationId": "metrics",
                "summary": "Return the figures of this process, for Prometheus.",
                "parameters": [_refer("parameters", "RequestId")],
                "responses": _describe_responses(
                    "metrics", {"description": "The figures.", "content": {"text/plain": {"schema": _TEXT}}}
                ),
            },
        ),
        ("/healthz", "get", {**_describe_get("healthz", "Say that the process answers.", "Status"), "security": []}),
        (
            "/readyz",
            "get",
            {
                "operationId": "readyz",
                "summary": "Say whether a chat would be served at once.",
                "security": [],
                "parameters": [_refer("parameters", "RequestId")],
                "responses": {
                    **_describe_responses("readyz", _describe_json("Status", "Ready.")),
                    "503": _add_headers(_describe_json("Unready", "Starting, stopping or broken."), ("RetryAfter",)),
                },
            },
        ),
    ]


def _describe_get(name: str, summary: str, schema: str) -> JsonSchema:
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [_refer("parameters", "RequestId")],
        "responses": _describe_responses(name, _describe_json(schema, summary)),
    }


def _describe_body(schema: str, description: str) -> JsonSchema:
    content = {"application/json": {"schema": _refer("schemas", schema)}}
    return {"required": True, "description": description, "content": content}


def _describe_json(schema: str, description: str) -> JsonSchema:
    return {"description": description, "content": {"application/json": {"schema": _refer("schemas", schema)}}}


def _describe_responses(operation: str, ok: JsonSchema, headers: tuple[str, ...] = ()) -> JsonSchema:
    """Return the answers of *operation*: the good one, and the envelope for every status that it can come with."""
    rows = [row for row in ERROR_CODES.values() if operation in row.operations]
    asks_provider = any(row.is_provider for row in rows)
    responses = {"200": _add_headers(ok, headers)}
    for status in sorted({row.status for row in rows}):
        codes = list_codes(operation, status)
        if asks_provider and status in _CLIENT_ERRORS:
            # A provider's refusal keeps its status, whatever it means.
            codes = sorted({*codes, *_PROVIDER_CODES})
        responses[str(status)] = _describe_error(codes)
    if asks_provider:
        responses["4XX"] = _describe_error(_PROVIDER_CODES, "The provider's refusal, under its own status.")
    return responses


def _describe_error(codes: list[str], description: str = "") -> JsonSchema:
    narrowed = {"properties": {"error": {"properties": {"code": {"enum": codes}}}}}
    error = {
        "description": description or "; ".join(f"`{code}`: {ERROR_CODES[code].meaning}" for code in codes),
        "content": {"application/json": {"schema": {"allOf": [_refer("schemas", "Error"), narrowed]}}},
    }
    times = ("Time",) if "sealed_expired" in codes else ()
    return _add_headers(error, ("RetryAfter", "WwwAuthenticate", *times))


def _add_headers(response: JsonSchema, names: tuple[str, ...]) -> JsonSchema:
    headers = {_WIRE_NAMES[name]: _refer("headers", name) for name in ("RequestId", *names)}
    return {**response, "headers": headers}


def _refer(kind: str, name: str) -> JsonSchema:
    return {"$ref": f"#/components/{kind}/{name}"}


def _describe_chat(prefixes: Iterable[tuple[str, str]]) -> JsonSchema:
    """Return the schema of a chat's request: one branch for OpenAI's wire, and one for each wire that is translated."""
    by_dialect: dict[str, set[str]] = {}
    for prefix, dialect in prefixes:
        by_dialect.setdefault(dialect, set()).add(prefix)
    return {
        "anyOf": [_describe_chat_of(dialect, sorted(names)) for dialect, names in sorted(by_dialect.items())],
        "description": "OpenAI's fields pass to every provider. To providers that speak OpenAI's wire any other field "
        "passes too, to be judged there; to the others only the vendor's own that are named. Names that steer the "
        "relay are refused everywhere.",
    }


def _describe_chat_of(dialect: str, prefixes: list[str]) -> JsonSchema:
    vendor = VENDOR_FIELDS.get(dialect, frozenset())
    properties = {name: _describe_field(kinds) for name, kinds in OPENAI_FIELDS.items()}
    properties |= {name: {} for name in sorted(vendor)}
    properties["model"] = {
        "type": "string",
        "pattern": f"^(?:{'|'.join(prefixes)})/[!-~]{{1,200}}$",
        "description": "The provider's prefix, and the provider's own name for the model.",
    }
    properties["messages"] = {"type": "array", "minItems": 1, "items": _refer("schemas", "Message")}
    properties["stream_options"] = {
        "type": ["object", "null"],
        "properties": {"include_usage": {"type": ["boolean", "null"]}},
    }
    return {
        "title": f"To {', '.join(prefixes)}",
        "type": "object",
        "required": ["model", "messages"],
        "properties": properties,
        **_describe_others(dialect),
    }


def _describe_others(dialect: str) -> JsonSchema:
    if dialect != _OPEN_DIALECT:
        return {"additionalProperties": False}
    steering = STEERING.pattern.replace(".*", r"[\s\S]*")
    return {"additionalProperties": True, "propertyNames": {"not": {"pattern": f"^(?:{steering})$"}}}


def _describe_field(kinds: tuple[str, ...]) -> JsonSchema:
    bounds = {"minimum": INTEGER_BOUNDS[0], "maximum": INTEGER_BOUNDS[1]} if "integer" in kinds else {}
    return {"type": [*kinds, "null"], **bounds}


_WIRE_NAMES: Mapping[str, str] = {
    "RequestId": "X-Request-Id",
    "ServerTiming": "Server-Timing",
    "RetryAfter": "Retry-After",
    "WwwAuthenticate": "WWW-Authenticate",
    "Cache": CACHE_HEADER,
    "Age": "Age",
    "Time": TIME_HEADER,
}

_HEADERS: Mapping[str, JsonSchema] = {
    "RequestId": {
        "required": True,
        "description": "What the relay's log calls this request.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.-]{8,64}$"},
    },
    "ServerTiming": {
        "required": True,
        "description": "Milliseconds in the relay itself, and waiting for the provider (W3C Server Timing).",
        "schema": {"type": "string", "pattern": r"^relay;dur=-?[0-9.]+(, upstream;dur=[0-9.]+)?$"},
    },
    "RetryAfter": {
        "description": "When to come back: the relay's own in seconds, a provider's as it came.",
        "schema": _TEXT,
    },
    "Cache": {
        "description": "What became of the wish, if there was one.",
        "schema": {"enum": [word for word in get_args(Outcome) if word]},
    },
    "Time": {"description": "The relay's clock, in seconds of Unix time.", "schema": {"type": "number"}},
    "Age": {"description": "Seconds since a kept answer was made.", "schema": {"type": "integer", "minimum": 0}},
    "WwwAuthenticate": {"description": "On the relay's own 401.", "schema": _TEXT},
}

_WISHES = ("(?:use|renew)(?:, ?join)?", "join", "use, ?max-age=[0-9]{1,9}(?:, ?join)?")

_PARAMETERS: Mapping[str, JsonSchema] = {
    "ProviderKey": {
        "name": "X-Provider-Key",
        "in": "header",
        "description": "The provider's key; not needed where the provider needs none or the relay lends its own.",
        "schema": {"type": "string", "pattern": "^[!-+\\--~]{1,4096}$"},
    },
    "SealedKey": {
        "name": KEY_HEADER,
        "in": "header",
        "description": "The provider's key, sealed to this relay, in the place of X-Provider-Key (docs/sealing.md).",
        "schema": _TEXT,
    },
    "ProviderBase": {
        "name": "X-Provider-Base",
        "in": "header",
        "description": "The provider's base URL, if it is not its usual one. The relay connects to public addresses of "
        "the hosts that it knows, and to what its operator named; https alone, unless named.",
        "schema": {"type": "string", "pattern": r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s,\\?#@]+$"},
    },
    "Cache": {
        "name": CACHE_HEADER,
        "in": "header",
        "description": "What is wished of answers that the relay has, or is just getting: `off`, or of `use`, `renew`, "
        "`join` and `max-age=SECONDS`, with commas; `use` or `renew`, and an age with `use`.",
        "schema": {"type": "string", "pattern": f"^(?:off|{'|'.join(_WISHES)})$"},
    },
    "RequestId": {
        "name": "X-Request-Id",
        "in": "header",
        "description": "Kept if it is 8 to 64 letters, digits, dots, hyphens and underscores; otherwise replaced.",
        "schema": _TEXT,
    },
}

_FETCHED: JsonSchema = {"type": "string", "pattern": "^(?:[Hh][Tt][Tt][Pp][Ss]?://|[Ww][Ww][Ww]\\.)"}
_PLAIN: JsonSchema = {"type": "string", "pattern": "^[Hh][Tt][Tt][Pp]://"}

_STEP: JsonSchema = {
    "type": ["object", "null"],
    "required": ["ok", "error", "ms"],
    "properties": {"ok": _FLAG, "error": {"type": ["string", "null"]}, "ms": _MS},
}

_SCHEMAS: Mapping[str, JsonSchema] = {
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": [
                    "message",
                    "type",
                    "code",
                    "param",
                    "origin",
                    "retryable",
                    "provider_status",
                    "provider_code",
                    "request_id",
                ],
                "properties": {
                    "message": {"type": "string", "description": "For a person; it holds no key."},
                    "type": {"type": "string", "description": "OpenAI's word for the kind."},
                    "code": {"type": "string", "enum": sorted(ERROR_CODES), "description": "For programs; stable."},
                    "param": {"type": ["string", "null"], "description": "The field or header that is wrong."},
                    "origin": {"enum": ["relay", "provider"], "description": "Who said no."},
                    "retryable": {"type": "boolean", "description": "Whether the same request may succeed later."},
                    "provider_status": {"type": ["integer", "null"], "description": "The provider's own HTTP status."},
                    "provider_code": {"type": ["string", "null"], "description": "The provider's own code."},
                    "request_id": _TEXT,
                },
                "additionalProperties": False,
            }
        },
        "additionalProperties": False,
    },
    "Message": {
        "type": "object",
        "required": ["role"],
        "properties": {
            "role": _TEXT,
            "content": {
                "anyOf": [
                    {"type": ["string", "null"]},
                    {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
                ]
            },
        },
    },
    "Part": {
        "type": "object",
        "description": "The relay fetches nothing: an image is a data: or https: URL (to some providers data alone), a "
        "file is its data.",
        "properties": {
            "image_url": {
                "not": {
                    "anyOf": [_PLAIN, {"type": "object", "required": ["url"], "properties": {"url": _PLAIN}}],
                }
            },
            "file": {
                "not": {
                    "anyOf": [
                        {"type": "object", "required": [name], "properties": {name: _FETCHED}}
                        for name in ("file_id", "file_data")
                    ]
                }
            },
        },
    },
    "ChatCompletion": {
        "type": "object",
        "description": "OpenAI's chat.completion, as the provider wrote it where it speaks this wire.",
        "required": ["choices"],
        "properties": {"choices": {"type": "array"}},
    },
    "Models": {
        "type": "object",
        "required": ["object", "data"],
        "properties": {
            "object": {"const": "list"},
            "data": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["id", "object", "created", "owned_by"],
                    "properties": {
                        "id": _TEXT,
                        "object": {"const": "model"},
                        "created": {"type": "integer"},
                        "owned_by": _TEXT,
                    },
                },
            },
        },
    },
    "ProbeRequest": {
        "type": "object",
        "required": ["url", "method", "headers", "origin"],
        "properties": {
            "url": {
                "type": "string",
                "minLength": 1,
                "maxLength": 2000,
                "description": "A base URL as in X-Provider-Base; a query or fragment is left away.",
            },
            "method": {"enum": list(METHODS)},
            "headers": {
                "type": "array",
                "maxItems": MOST_HEADERS,
                "items": {"type": "string", "maxLength": 100, "pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"},
                "description": "Names alone.",
            },
            "origin": {
                "type": "string",
                "maxLength": 2000,
                "pattern": r"^https?://(?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?$",
                "not": {"pattern": "^(?:https://.*:443|http://.*:80)$"},
                "description": "The page's, as a browser writes it.",
            },
        },
        "additionalProperties": False,
    },
    "Probe": {
        "type": "object",
        "required": ["url", "dns", "tcp", "tls", "preflight", "answer", "elapsed_ms"],
        "properties": {
            "url": _TEXT,
            "dns": _STEP,
            "tcp": _STEP,
            "tls": _STEP,
            "preflight": {
                "type": ["object", "null"],
                "required": [
                    "ok",
                    "status",
                    "allow_origin",
                    "allow_methods",
                    "allow_headers",
                    "missing",
                    "max_age",
                    "ms",
                ],
                "properties": {
                    "ok": _FLAG,
                    "status": {"type": "integer"},
                    "allow_origin": {"type": ["string", "null"]},
                    "allow_methods": _NAMES,
                    "allow_headers": _NAMES,
                    "missing": {
                        "type": "object",
                        "required": ["origin", "method", "headers"],
                        "properties": {"origin": _FLAG, "method": _FLAG, "headers": _NAMES},
                    },
                    "max_age": {"type": ["integer", "null"]},
                    "ms": _MS,
                },
            },
            "answer": {
                "type": ["object", "null"],
                "required": ["status", "allow_origin", "is_readable", "content_type", "ms"],
                "properties": {
                    "status": {"type": "integer"},
                    "allow_origin": {"type": ["string", "null"]},
                    "is_readable": _FLAG,
                    "content_type": {"type": ["string", "null"]},
                    "ms": _MS,
                },
            },
            "elapsed_ms": _MS,
        },
        "additionalProperties": False,
    },
    "Relay": {
        "type": "object",
        "required": ["name", "version", "providers", "limits", "token", "sealing", "uses_own_keys", "is_ready"],
        "properties": {
            "name": _TEXT,
            "version": _TEXT,
            "providers": {"type": "array", "items": _TEXT, "description": "What the asking token may call."},
            "limits": {
                "type": "object",
                "required": ["largest_body", *LIMIT_NAMES],
                "properties": {
                    "largest_body": {"type": "integer", "description": "Bytes of a request."},
                    **{name: {"type": "integer", "description": "0 is no limit."} for name in LIMIT_NAMES},
                },
            },
            "token": {
                "type": "object",
                "required": ["name", "expires"],
                "properties": {"name": _TEXT, "expires": {"type": ["string", "null"], "format": "date-time"}},
            },
            "sealing": {
                "type": ["object", "null"],
                "required": ["public_key", "fingerprint", "time"],
                "properties": {"public_key": _TEXT, "fingerprint": _TEXT, "time": {"type": "number"}},
                "description": "What a page seals to; null if the relay has no key.",
            },
            "plugins": {
                "type": "object",
                "additionalProperties": _TEXT,
                "description": "To a token without a name, if there are any: what became of each.",
            },
            "uses_own_keys": {"type": "boolean", "description": "Whether the relay lends this token keys of its own."},
            "is_ready": {"type": "boolean", "description": "Whether a chat would be served at once."},
        },
    },
    "Status": {
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": {"enum": ["ok", "ready", "starting", "stopping"]},
            "redis": {"enum": ["connected", "away"], "description": "If several processes share one."},
        },
    },
    "Unready": {"anyOf": [{"$ref": "#/components/schemas/Status"}, {"$ref": "#/components/schemas/Error"}]},
    "Document": {
        "type": "object",
        "required": ["openapi", "info", "paths"],
        "properties": {"openapi": _TEXT, "info": {"type": "object"}, "paths": {"type": "object"}},
    },
}

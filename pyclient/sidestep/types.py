"""The records that everything else passes around: frozen, plain, without behaviour that needs IO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

__all__ = [
    "ChatRequest",
    "Effort",
    "Endpoint",
    "Event",
    "FilePart",
    "Finished",
    "FiredRule",
    "HttpRequest",
    "ImagePart",
    "Message",
    "Model",
    "ModelTaken",
    "Part",
    "ReasoningDelta",
    "ReasoningPart",
    "ReasoningSignature",
    "Retrying",
    "Role",
    "Route",
    "RouteFailed",
    "RouteTaken",
    "Seal",
    "TextDelta",
    "TextPart",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "Usage",
    "WireRules",
]

Role = Literal["system", "user", "assistant", "tool"]
Effort = Literal["none", "minimal", "low", "medium", "high", "max"]


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of a message that is text."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image in a message.

    Attributes:
        url: where it is, `https:`, or the image itself as a `data:` address (RFC 2397).
    """

    url: str


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file in a message.

    Attributes:
        name: its name, with its ending.
        url: where it is, `https:`, or the file itself as a `data:` address (RFC 2397).
    """

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """What a model thought before it answered; given back to the provider unmodified where it demands that.

    Attributes:
        signature: the provider's own proof of it, opaque.
        id: the provider's name for it, where it has one.
        is_redacted: whether the provider keeps the text to itself; *signature* then stands for it.
    """

    text: str
    signature: str = ""
    id: str = ""
    is_redacted: bool = False


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a tool that the model asks for.

    Attributes:
        arguments: JSON text, as the model wrote it.
        signature: the provider's own proof of the reasoning behind it, opaque; Gemini demands it back.
    """

    id: str
    name: str
    arguments: str
    signature: str = ""


Part = TextPart | ImagePart | FilePart | ReasoningPart


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    Attributes:
        content: text, or parts in order.
        tool_calls: what an assistant's turn asked for.
        tool_call_id: which of them a tool's turn answers.
    """

    role: Role
    content: str | tuple[Part, ...]
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""

    @property
    def parts(self) -> tuple[Part, ...]:
        """The content as parts; empty text is none."""
        if isinstance(self.content, str):
            return (TextPart(self.content),) if self.content else ()
        return self.content

    @property
    def text(self) -> str:
        """The text of the content, without what is not text."""
        return "".join(part.text for part in self.parts if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may ask to have called.

    Attributes:
        parameters: JSON Schema of its arguments.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What the user asks of a model, before any provider's wire format.

    Attributes:
        model: the provider's own model id, without our provider prefix.
        messages: the conversation, oldest first.
        is_stream: whether the answer should come as it is made.
        max_tokens: most tokens to generate; None leaves it to the provider.
        tool_choice: `auto`, `none`, `required`, or the name of one tool.
        response_schema: JSON Schema that the answer must fit.
        reasoning_effort: how long the model may think, in words.
        reasoning_budget: how long it may think, in tokens.
        extra: fields the provider knows and we do not; sent as they are.
    """

    model: str
    messages: tuple[Message, ...]
    is_stream: bool = True
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: str = ""
    response_schema: Mapping[str, Any] | None = None
    reasoning_effort: Effort | None = None
    reasoning_budget: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WireRules:
    """How one provider's use of a dialect differs from the dialect's own; data of the catalogue.

    Attributes:
        max_tokens_field: what the wire calls the limit on generated tokens.
        default_max_tokens: that limit, where the wire demands one and the request has none.
        dropped: fields that the provider refuses, left out.
        dropped_thinking: fields that it refuses while the model thinks.
        thinks_by_default: whether the model thinks when no effort is said.
        efforts: words for the efforts of ours that the model has no word for.
        reasoning_control: how the effort is said; a name in `dialects.openai_chat` or `dialects.anthropic`.
        reasoning_return: the field in which an assistant's reasoning must come back; empty if it must not.
        has_think_tags: whether reasoning stands between `<think>` tags in the text.
        has_stream_options: whether the usage of a stream must be asked for.
        max_temperature: the highest temperature that it takes.
    """

    max_tokens_field: str = "max_tokens"
    default_max_tokens: int = 8192
    dropped: frozenset[str] = frozenset()
    dropped_thinking: frozenset[str] = frozenset()
    thinks_by_default: bool = False
    efforts: Mapping[str, Effort] = field(default_factory=dict)
    reasoning_control: str = "reasoning_effort"
    reasoning_return: str = ""
    has_think_tags: bool = False
    has_stream_options: bool = True
    max_temperature: float = 2.0

    def fit(self, request: ChatRequest) -> tuple[ChatRequest, WireRules]:
        """Return *request* in words that the model has, and the rules for this very request."""
        effort = request.reasoning_effort and self.efforts.get(request.reasoning_effort, request.reasoning_effort)
        if effort is None and request.reasoning_budget is None:
            is_thinking = self.thinks_by_default
        else:
            is_thinking = effort not in (None, "none") or bool(request.reasoning_budget)
        dropped = self.dropped | self.dropped_thinking if is_thinking else self.dropped
        return replace(request, reasoning_effort=effort), replace(self, dropped=dropped)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where one request goes and what it shows there. Holds secrets: never printed.

    Attributes:
        base_url: without a trailing slash; the dialect appends its own path.
        headers: everything beside the content type, credentials included.
    """

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Seal:
    """What of a request to a relay is sealed, and to which key (docs/sealing.md).

    Attributes:
        public_key: the relay's, pinned.
        base_url: the relay's address, which the request's begins with.
        name: the relay's, for sentences.
    """

    level: Literal["key", "exchange"]
    public_key: bytes = field(repr=False)
    base_url: str
    name: str


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request. Headers and body hold secrets: never printed.

    Attributes:
        seal: how it must be sealed before it leaves; None for not at all.
    """

    method: Literal["GET", "POST"]
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    seal: Seal | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """One model that a provider offers; None where the provider does not say.

    Attributes:
        context_length: most tokens of a request and its answer together.
        max_output: most tokens of an answer.
        has_vision, has_tools, has_reasoning: what it can take or do.
        input_price, output_price: US dollars for a million tokens.
    """

    id: str
    name: str
    context_length: int | None = None
    max_output: int | None = None
    has_vision: bool | None = None
    has_tools: bool | None = None
    has_reasoning: bool | None = None
    input_price: float | None = None
    output_price: float | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One way to a provider: direct, or through one named relay."""

    kind: Literal["direct", "relay"]
    relay_id: str | None = None
    relay_name: str = ""

    @property
    def label(self) -> str:
        """What the badge on an answer says."""
        return "direct" if self.kind == "direct" else f"relay {self.relay_name}"

    def to_dict(self) -> dict[str, Any]:
        """Return the route as the page's protocol writes it (docs/protocol.md, *Route*)."""
        return {"kind": self.kind, "relay": self.relay_id, "label": self.label}


@dataclass(frozen=True, slots=True)
class ModelTaken:
    """Another model than the one asked for is asked: one of a group, or what a rule put in its place.

    Attributes:
        model: `provider/model`.
        reason: why this one; a sentence.
    """

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class FiredRule:
    """The rule that decided how a request goes."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class RouteTaken:
    """The answer has begun to arrive by this route; *reason* says why this one.

    Attributes:
        is_cached: whether the answer was kept from an earlier, identical request; *route* is how it came then.
        cached_at: Unix time in seconds at which it was kept, or None.
        rule: the rule that laid something down for the request, or None.
    """

    route: Route
    reason: str
    is_cached: bool = False
    cached_at: float | None = None
    rule: FiredRule | None = None

    def __str__(self) -> str:
        return f"{self.route.label}: {self.reason}"


@dataclass(frozen=True, slots=True)
class RouteFailed:
    """This route failed before anything arrived, and another is tried next.

    Attributes:
        error: the error as the page's protocol writes it.
    """

    route: Route
    error: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Retrying:
    """The provider said "not now" before anything arrived; after a wait the same request goes the same way again.

    Attributes:
        wait: seconds until then.
        error: what it said, as the page's protocol writes it.
        attempt: 1 for the first repetition.
    """

    wait: float
    error: Mapping[str, Any]
    attempt: int


@dataclass(frozen=True, slots=True)
class TextDelta:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    """A piece of the model's reasoning, shown apart from the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningSignature:
    """The provider's proof of the reasoning that came before it; see `ReasoningPart`."""

    signature: str
    id: str = ""
    is_redacted: bool = False


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call; pieces of one call share its *index*.

    Attributes:
        arguments: a piece of JSON text; whole only when all pieces are joined.
        signature: see `ToolCall`.
    """

    index: int
    id: str
    name: str
    arguments: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens spent; None where the provider did not say.

    Attributes:
        input_tokens: all that went in, what a cache held included.
        output_tokens: what came out, as the provider counts it.
        reasoning_tokens: how many the reasoning took.
        cached_tokens: how many of the input's came from a cache.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The model ended its answer.

    Attributes:
        reason: `stop`, `length`, `tool_calls`, `content_filter`, or the provider's own word.
    """

    reason: str


Event = (
    ModelTaken
    | RouteTaken
    | RouteFailed
    | Retrying
    | TextDelta
    | ReasoningDelta
    | ReasoningSignature
    | ToolCallDelta
    | Usage
    | Finished
)

"""Which parameters a model takes, found out by writing the request that would carry them. No IO.

A parameter is taken if the request's bytes change with it: no table of our own could be as true as the very code that
writes the requests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sidestep.calls import make_chat_call, make_chat_request
from sidestep.config import Provider
from sidestep.errors import ConfigurationError

__all__ = ["Offer", "list_offers"]

_LARGEST_SEED = 2**31 - 1
_EFFORTS = ("none", "minimal", "low", "medium", "high", "max")


@dataclass(frozen=True, slots=True)
class Offer:
    """One parameter of a chat that a model takes.

    Attributes:
        name: the field of `sidestep.types.ChatRequest`.
        kind: what it holds; `texts` is a list of them, `choice` one of `choices`.
        minimum, maximum: its bounds, where it is a number; None where there is none.
        choices: what it can be, in their order.
    """

    name: str
    kind: Literal["number", "integer", "texts", "choice"]
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as the page's protocol writes it (docs/protocol.md, *Offer*)."""
        return {**asdict(self), "choices": list(self.choices)}


def list_offers(provider: Provider, model: str, max_output: int | None, parameters: Mapping[str, Any]) -> list[Offer]:
    """Return what *model*, the provider's own id, takes beside *parameters*.

    Args:
        provider: whose dialect and rules decide.
        model: the provider's own id of it.
        max_output: most tokens of an answer, where the provider says it.
        parameters: those that are chosen; some models take less while they think. What cannot be sent is passed over.
    """
    rules = provider.entry.rules_for(model)
    offers = (
        (Offer("temperature", "number", 0, rules.max_temperature), 0.5),
        (Offer("top_p", "number", 0, 1), 0.5),
        (Offer("max_tokens", "integer", 1, max_output), 77),
        (Offer("stop", "texts"), ("STOP",)),
        (Offer("seed", "integer", 0, _LARGEST_SEED), 7),
        (Offer("presence_penalty", "number", -2, 2), 0.5),
        (Offer("frequency_penalty", "number", -2, 2), 0.5),
    )
    chosen = _keep_sendable(provider, model, parameters)
    taken = [offer for offer, value in offers if _is_taken(provider, model, chosen, offer.name, value)]
    efforts = _list_efforts(provider, model)
    return [*taken, *([Offer("reasoning_effort", "choice", choices=efforts)] if efforts else [])]


def _keep_sendable(provider: Provider, model: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in parameters.items():
        try:
            _encode(provider, model, {**kept, name: value})
        except ConfigurationError:
            continue
        kept[name] = value
    return kept


def _is_taken(provider: Provider, model: str, chosen: Mapping[str, Any], name: str, value: Any) -> bool:
    others = {other: set_to for other, set_to in chosen.items() if other != name}
    return _encode(provider, model, {**others, name: value}) != _encode(provider, model, others)


def _list_efforts(provider: Provider, model: str) -> tuple[str, ...]:
    """Return the efforts that the model can tell apart; of two that are written alike the later one stands for both."""
    bodies = {effort: _encode(provider, model, {"reasoning_effort": effort}) for effort in _EFFORTS}
    plain = _encode(provider, model, {})
    distinct = {body: effort for effort, body in bodies.items() if body != plain}
    return tuple(distinct.values())


def _encode(provider: Provider, model: str, parameters: Mapping[str, Any]) -> bytes | None:
    messages: Sequence[dict[str, str]] = [{"role": "user", "content": "?"}]
    return make_chat_call(provider, make_chat_request(model, messages, parameters)).direct.body

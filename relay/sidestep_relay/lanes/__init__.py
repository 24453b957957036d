"""The ways a chat goes to its provider, and which one it goes.

`pipe` passes the bytes of a provider that speaks OpenAI's chat wire through untouched; `translate` calls LiteLLM for
any provider. The wire that the catalogue says a provider speaks decides, and the operator's configuration can force
`translate`. What an operator's plugins bring goes by `plugin`.

This module is imported before the relay serves, so it imports neither httpx nor litellm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

if TYPE_CHECKING:
    from sidestep.catalogue import CatalogueEntry
    from sidestep_relay.chats import ChatCall
    from sidestep_relay.upstreams import Upstream

__all__ = ["LANES", "PLUGIN_DIALECT", "Lane", "LaneName", "Whole", "choose_lane", "list_lanes"]

LaneName = Literal["pipe", "translate", "plugin"]

LANES: tuple[LaneName, ...] = get_args(LaneName)

PLUGIN_DIALECT = "plugin"
"""What stands in the place of a wire where an operator's own code is called."""

_LANES_OF_DIALECTS: Mapping[str, tuple[LaneName, ...]] = {
    "openai_chat": ("pipe", "translate"),
    "anthropic": ("translate",),
    "bedrock_converse": ("translate",),
    PLUGIN_DIALECT: ("plugin",),
}
"""For what a provider speaks to a relay (`CatalogueEntry.relay_dialect`): the lanes it can be called by, best first."""


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer in one piece: the JSON document's bytes."""

    body: bytes


class Lane(Protocol):
    """One way. Both methods raise `RelayError` if the relay or the provider said no."""

    @property
    def name(self) -> LaneName:
        """What the configuration and the log call it."""

    def complete(self, call: ChatCall, upstream: Upstream) -> Whole:
        """Return the whole answer, a `chat.completion`."""

    def stream(self, call: ChatCall, upstream: Upstream) -> Iterator[bytes | Whole]:
        """Yield nothing (`b""`) when the provider has accepted the request, then the bytes of server-sent events.

        A provider that does not stream after all is answered by one `Whole` alone.
        """


def list_lanes(entry: CatalogueEntry) -> tuple[LaneName, ...]:
    """Return the lanes by which *entry* can be called, best first; none if no relay can call it."""
    return _LANES_OF_DIALECTS.get(entry.relay_dialect, ())


def choose_lane(entry: CatalogueEntry, forced: Mapping[str, LaneName]) -> LaneName:
    """Return the lane for *entry*: what *forced* says of its id, else the best one."""
    return forced.get(entry.id) or list_lanes(entry)[0]

"""The page's HPKE (web/js/sealer.js), from Python in Pyodide. The keys stay in JavaScript."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyodide.ffi import JsException, to_js

from sidestep.errors import ConfigurationError, SealBroken

__all__ = ["PageSealer"]


class PageAnswerOpener:
    """Opens one answer."""

    def __init__(self, js_opener: Any) -> None:
        self._js_opener = js_opener

    async def open(self, frames: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """Return what the next frames hold.

        Raises:
            SealBroken: one does not open.
        """
        # All that came together in one crossing.
        try:
            js_opened = await self._js_opener.open(to_js(list(frames)))
        except JsException:
            raise SealBroken("A frame does not open.") from None
        return [js_piece.to_bytes() for js_piece in js_opened]


class PageSealed:
    """What was sealed."""

    def __init__(self, js_sealed: Any) -> None:
        self._js_sealed = js_sealed
        self.enc: bytes = js_sealed.enc.to_bytes()
        self.ciphertexts: tuple[bytes, ...] = tuple(js_text.to_bytes() for js_text in js_sealed.ciphertexts)

    async def make_opener(self, key_context: bytes, nonce_context: bytes) -> PageAnswerOpener:
        """Return what opens the answer."""
        return PageAnswerOpener(await self._js_sealed.makeOpener(to_js(key_context), to_js(nonce_context)))


class PageSealer:
    """Seals.

    Args:
        js_sealer: an object whose `seal` is that of web/js/sealer.js.
    """

    def __init__(self, js_sealer: Any) -> None:
        self._js_sealer = js_sealer

    async def seal(self, public_key: bytes, info: bytes, parts: Sequence[tuple[bytes, bytes]]) -> PageSealed:
        """Return *parts* sealed.

        Raises:
            ConfigurationError: the browser cannot, or *public_key* is no point of the curve.
        """
        try:
            return PageSealed(await self._js_sealer.seal(to_js(public_key), to_js(info), to_js(list(parts))))
        except JsException as error:
            raise ConfigurationError(
                f"The browser could not seal the request, so nothing was sent ({error.name}).",
                field="sealing",
                remedy=(
                    "A page can seal only if it came over https or from this computer. If it did, pair the relay "
                    "again: its key may be damaged."
                ),
            ) from None

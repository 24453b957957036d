"""How long an answer may be silent, and who notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from sidestep import MockResponse, MockTransport, TransportTimeout
from sidestep.exchanges import Exchange, WaitLimit

SILENCE = 0.02  # seconds


class Broadcast(MockResponse):
    """Sends two pieces, then nothing more, and stays open."""

    async def chunks(self) -> AsyncGenerator[bytes]:
        yield b"one"
        yield b"two"
        await asyncio.Event().wait()


def read(response: MockResponse) -> AsyncGenerator[bytes]:
    return Exchange(MockTransport(lambda _: response), SILENCE).chunks(response)


async def wait_longer_than_a_silence() -> None:
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(3 * SILENCE, passed.set)
    await passed.wait()


async def test_silence_is_noticed_after_pieces_that_came_in_time() -> None:
    pieces = read(Broadcast())
    assert [await anext(pieces), await anext(pieces)] == [b"one", b"two"]
    with pytest.raises(TransportTimeout, match="said nothing"):
        await anext(pieces)
    task = asyncio.current_task()
    assert task
    assert not task.cancelling(), "the cancellation that ended the wait is taken back"


async def test_a_reader_that_takes_its_time_is_no_silence() -> None:
    pieces = read(Broadcast())
    assert await anext(pieces) == b"one"
    await wait_longer_than_a_silence()
    assert await anext(pieces) == b"two"
    await pieces.aclose()


async def test_many_waits_share_a_timer_that_ends_with_them() -> None:
    with WaitLimit(60.0) as limit:
        timers = set()
        for _ in range(3):
            await limit.wait(asyncio.sleep(0))
            timers.add(limit._timer)
    (timer,) = timers
    assert timer
    assert timer.cancelled()


async def test_a_cancellation_from_elsewhere_is_not_taken_for_silence() -> None:
    async def consume() -> None:
        async for _ in read(Broadcast()):
            pass

    task = asyncio.ensure_future(consume())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

"""The page's library and the relay's read each other: @hpke/core, as the page ships it, in Node, and pyhpke."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

import sidestep
from sidestep.envelopes import make_info
from sidestep.errors import SealBroken
from sidestep.transports.hpke import HpkeSealer
from sidestep_relay.sealing import make_sealing_key
from sidestep_relay.sealing_keys import read_keys
from tests.fakes import ZaiProvider
from tests.relay.conftest import PAGE
from tests.relay.envelopes import read_public_key
from tests.relay.hosts import Host
from tests.relay.servers import RunningRelay, stop
from tools.packages import prepare_node

PARTS = [(b"head", b"first"), (b"", b""), (b"body", os.urandom(100_000))]


class Node:
    """The page's sealer in a process of Node."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(self, command: str, **parameters: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"command": command, **parameters}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    async def seal(self, public_key: bytes, info: bytes, parts: Sequence[tuple[bytes, bytes]]) -> NodeSealed:
        rows = [[write(aad), write(text)] for aad, text in parts]
        return NodeSealed(self, self.call("seal", publicKey=write(public_key), info=write(info), parts=rows))


class NodeSealed:
    """What Node sealed."""

    def __init__(self, node: Node, answer: dict[str, Any]) -> None:
        self._node = node
        self._handle = answer["handle"]
        self.enc = b64decode(answer["enc"])
        self.ciphertexts = [b64decode(text) for text in answer["ciphertexts"]]

    async def make_opener(self, key_context: bytes, nonce_context: bytes) -> NodeOpener:
        contexts = {"keyContext": write(key_context), "nonceContext": write(nonce_context)}
        return NodeOpener(self._node, self._node.call("makeOpener", handle=self._handle, **contexts)["handle"])


class NodeOpener:
    """Opens an answer in Node."""

    def __init__(self, node: Node, handle: int) -> None:
        self._node = node
        self._handle = handle

    async def open(self, frames: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        rows = [[write(aad), write(text)] for aad, text in frames]
        answer = self._node.call("open", handle=self._handle, frames=rows)
        if "error" in answer:
            raise SealBroken(answer["error"])
        return [b64decode(piece) for piece in answer["pieces"]]


def write(data: bytes) -> str:
    return b64encode(data).decode()


@pytest.fixture(scope="module")
def node(app_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("page")
    (folder / "package.json").write_text('{"type": "module"}')
    for name in ("js/sealer.js", "vendor/hpke"):
        source, target = app_dir / name, folder / name
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
    shutil.copyfile(Path(__file__).with_name("interop.mjs"), folder / "interop.mjs")
    found = prepare_node()
    process = subprocess.Popen(
        [*found.node, str(folder / "interop.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **found.environment},
    )
    try:
        yield Node(process)
    finally:
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()
        stop(process)


@pytest.mark.parametrize("level", ["exchange", "key"])
def test_what_the_page_seals_the_relay_opens_and_back(
    relay: RunningRelay, zai_provider: ZaiProvider, node: Node, level: str
) -> None:
    zai_provider.text = "Grüße. " * 2000
    way = sidestep.Relay(relay.url, token=relay.token, public_key=read_public_key(relay), sealing=level)
    provider = sidestep.Provider("zai-coding", api_key=zai_provider.key, base_url=zai_provider.base_url, route="relay")
    host = Host()
    client = sidestep.Client([provider], [way], transport=host, sealer=node, page_origin=PAGE)
    reply = asyncio.run(client.complete("zai-coding/glm-4.6", "Say hello"))
    assert reply.text == zai_provider.text
    assert zai_provider.key.encode() not in host.seen


def test_the_page_opens_no_frame_that_was_changed(node: Node) -> None:
    key = read_keys(make_sealing_key()).current
    sealed = asyncio.run(node.seal(key.public, b"info", PARTS))
    opener = asyncio.run(sealed.make_opener(b"key", b"nonce"))
    with pytest.raises(SealBroken):
        asyncio.run(opener.open([(b"aad", bytes(40))]))


def test_what_pyhpke_seals_the_other_opens(node: Node) -> None:
    pair = node.call("makeKeyPair")
    public_key = b64decode(pair["publicKey"])
    info = make_info(b"label", b"key-id")
    sealed = asyncio.run(HpkeSealer().seal(public_key, info, PARTS))
    rows = [[write(aad), write(text)] for (aad, _), text in zip(PARTS, sealed.ciphertexts, strict=True)]
    received = node.call(
        "receive", handle=pair["handle"], enc=write(sealed.enc), info=write(info), parts=rows, exported=write(b"secret")
    )
    assert [b64decode(text) for text in received["opened"]] == [text for _, text in PARTS]
    assert b64decode(received["exported"]) == sealed._context.export(b"secret", 32)
    other = node.call(
        "receive", handle=pair["handle"], enc=write(sealed.enc), info=write(b"x"), parts=rows, exported=write(b"secret")
    )
    assert other == {"error": "OpenError"}

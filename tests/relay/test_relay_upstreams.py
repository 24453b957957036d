"""What becomes of a provider's connection once its answer has been told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.fakes import AnthropicProvider, Hold, OpenProvider, Reply, Stream
from tests.relay.calls import Fake, chat

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("kind", ["open_provider", "anthropic_provider"])
def test_a_connection_that_the_provider_keeps_open_after_the_end_is_let_go(
    kind: str, client: httpx.Client, request: pytest.FixtureRequest
) -> None:
    # Left to the garbage collector it would be closed wherever that runs: inside the pool's lock, that is a deadlock.
    fake: Fake = request.getfixturevalue(kind)
    assert isinstance(fake, OpenProvider | AnthropicProvider)
    usual = fake.write_stream(fake.models[0], *([False] if isinstance(fake, OpenProvider) else []))
    fake.answers.append(Stream([*usual, Hold()]))
    assert chat(client, fake, stream=True).status_code == 200
    assert fake.chats[-1].wait_closed()


def test_a_refusal_of_a_stream_is_told_at_once(client: httpx.Client, anthropic_provider: AnthropicProvider) -> None:
    # LiteLLM would wait five seconds for a thread to read it, from the second one on.
    for number in range(3):
        anthropic_provider.answers.append(Reply(500, {"error": {"message": "not now"}}))
        answer = chat(client, anthropic_provider, stream=True)
        assert answer.json()["error"]["provider_status"] == 500
        assert answer.elapsed.total_seconds() < 4, number


SUBMIT = """
from sidestep_relay.lanes.translate import load_litellm
load_litellm()
from litellm.litellm_core_utils.thread_pool_executor import executor
print(executor.submit(int).cancelled())
"""


def test_litellms_logging_threads_are_given_no_work() -> None:
    # Handing them work from another thread's hub failed now and then, after the last word of a whole answer.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(["pyclient", "relay"])}
    ran = subprocess.run(
        [sys.executable, "-c", SUBMIT], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert (ran.stdout, ran.stderr) == ("True\n", "")

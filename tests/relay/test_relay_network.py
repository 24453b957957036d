"""Nothing but the provider is contacted: not when litellm is imported, not when it is called."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.fakes.providers import AnthropicProvider, OpenProvider
from tests.relay.calls import Fake, make_body
from tests.relay.servers import make_environment

# In a process of its own, because an audit hook cannot be removed and litellm is imported once.
_PROGRAM = """
import json, sys

contacted = []

def note(event, arguments):
    if event == "socket.getaddrinfo":
        contacted.append(f"{arguments[0]}:{arguments[1]}")
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        contacted.append(f"{arguments[1][0]}:{arguments[1][1]}")

sys.addaudithook(note)

from sidestep.catalogue import load_catalogue
from sidestep_relay.chats import read_chat
from sidestep_relay.destinations import Destinations, parse_destination
from sidestep_relay.lanes.translate import TranslateLane, load_litellm
from sidestep_relay.tokens import make_full_token
from sidestep_relay.upstreams import Connections, Upstream

base_url, key, body = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
call = read_chat(body, load_catalogue(), key=key, base_url=base_url, own_keys={}, token=make_full_token("t"))
rules = Destinations(named=(parse_destination(base_url),))
upstream = Upstream(Connections(rules), rules.check_url(base_url), dialect=call.entry.dialect, has_key=True)
chunks = list(TranslateLane(load_litellm).stream(call, upstream))
print(json.dumps({"chunks": len(chunks), "contacted": sorted(set(contacted))}))
"""


@pytest.mark.parametrize("name", ["open_provider", "anthropic_provider"])
def test_only_the_provider_is_contacted(request: pytest.FixtureRequest, name: str, tmp_path: os.PathLike[str]) -> None:
    fake: Fake = request.getfixturevalue(name)
    assert isinstance(fake, OpenProvider | AnthropicProvider)
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]
    body = json.dumps(make_body(fake, stream=True, tools=tools))
    ended = subprocess.run(
        [sys.executable, "-c", _PROGRAM, fake.base_url, fake.key, body],
        env=make_environment(str(tmp_path), [], [], {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    seen = json.loads(ended.stdout.splitlines()[-1])
    assert seen["chunks"] > 1
    assert seen["contacted"] == [f"127.0.0.1:{fake.port}"]

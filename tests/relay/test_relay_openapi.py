"""The relay's OpenAPI document: that it is whole, that it is one, and that the relay is like it (schemathesis)."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask

import sidestep_relay
from sidestep_relay.error_codes import ERROR_CODES, write_table
from sidestep_relay.errors import KINDS
from sidestep_relay.fields import OPENAI_FIELDS
from tests.fakes import OpenProvider, Reply, Stream
from tests.fakes.servers import Answer, Recorded
from tests.fakes.wires import DONE, write_chunk
from tests.relay.schemathesis_checks import FAKE
from tests.relay.servers import TOKEN, run_relay

ROOT = Path(__file__).parents[2]
SOURCES = sorted(Path(sidestep_relay.__file__).parent.rglob("*.py"))
PAIRED = {"Authorization": f"Bearer {TOKEN}"}
METHODS = {"get", "post", "put", "delete", "patch"}


@pytest.fixture
def document(make_app: Callable[..., Flask]) -> dict[str, Any]:
    answer = make_app().test_client().get("/v1/openapi.json", headers=PAIRED)
    assert answer.status_code == 200
    assert isinstance(answer.json, dict)
    return answer.json


# whole


def test_its_routes_are_the_relays(make_app: Callable[..., Flask], document: dict[str, Any]) -> None:
    documented = {(path, method) for path, row in document["paths"].items() for method in row if method in METHODS}
    rules = make_app().url_map.iter_rules()
    routes = {(rule.rule, method.lower()) for rule in rules for method in rule.methods or ()}
    assert documented == {row for row in routes if row[1] in METHODS}


def test_it_needs_the_token_and_says_what_does_not(make_app: Callable[..., Flask], document: dict[str, Any]) -> None:
    client = make_app().test_client()
    for path, row in document["paths"].items():
        for method, operation in row.items():
            needs_none = operation.get("security") == []
            assert (client.open(path, method=method).status_code == 401) is not needs_none, path


def test_its_fields_are_those_that_pass(document: dict[str, Any]) -> None:
    for branch in document["components"]["schemas"]["ChatRequest"]["anyOf"]:
        assert OPENAI_FIELDS.keys() <= branch["properties"].keys()


def test_it_is_openapi(document: dict[str, Any]) -> None:
    # The specification's own schema, as schemathesis carries it.
    from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR  # noqa: PLC0415 - slow to import

    assert list(OPENAPI_31_VALIDATOR.iter_errors(document)) == []
    broken = {**document, "paths": {"no-slash": {}}}
    assert not OPENAPI_31_VALIDATOR.is_valid(broken)


def test_every_reference_leads_somewhere_and_every_schema_is_one(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        jsonschema_rs.validator_for({**schema, "components": document["components"]})
        assert f"#/components/schemas/{name}" in json.dumps(document)
    for place in find_references(document):
        found: Any = document
        for step in place.removeprefix("#/").split("/"):
            found = found[step]


def find_references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for row in value.values():
            yield from find_references(row)
    elif isinstance(value, list):
        for row in value:
            yield from find_references(row)


# the codes


def find_raised() -> dict[str, set[int]]:
    """Return the codes that stand in the source, each with the statuses that stand beside it."""
    found: dict[str, set[int]] = {}
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        makers = {"RelayError": None, **find_makers(tree)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") not in makers:
                continue
            code = node.args[0] if node.args else None
            if isinstance(code, ast.Constant) and isinstance(code.value, str):
                status = read_status(node) or makers[getattr(node.func, "id", "")]
                found.setdefault(code.value, set()).update({status} if status else ())
    return found


def find_makers(tree: ast.Module) -> dict[str, int | None]:
    """Return the functions that hand their first parameter to `RelayError` as its code, and the status they give."""
    makers: dict[str, int | None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.args.args:
            first = node.args.args[0].arg
            for call in ast.walk(node):
                is_maker = isinstance(call, ast.Call) and getattr(call.func, "id", "") == "RelayError" and call.args
                if is_maker and getattr(call.args[0], "id", "") == first:  # type: ignore[attr-defined]
                    makers[node.name] = read_status(call)  # type: ignore[arg-type]
    return makers


def read_status(call: ast.Call) -> int | None:
    for keyword in call.keywords:
        if keyword.arg == "status" and isinstance(keyword.value, ast.Constant):
            assert isinstance(keyword.value.value, int)
            return keyword.value.value
        if keyword.arg == "status" and getattr(getattr(keyword.value, "value", None), "id", "") == "HTTPStatus":
            return int(HTTPStatus[keyword.value.attr])  # type: ignore[attr-defined]
    return None


def test_the_table_of_codes_is_what_the_relay_raises() -> None:
    raised = find_raised()
    assert len(raised) > 20
    relays_own = {code for code in ERROR_CODES if not code.startswith("http_")}
    assert relays_own == raised.keys() | {kind.code for kind in KINDS.values()}
    for code, statuses in raised.items():
        assert statuses <= {ERROR_CODES[code].status}, code
    for kind in KINDS.values():
        row = ERROR_CODES[kind.code]
        assert (row.status, row.is_retryable, row.is_provider) == (kind.status, kind.is_retryable, True)


def test_the_guide_has_the_table() -> None:
    assert write_table() in (ROOT / "docs" / "relay.md").read_text(encoding="utf-8")


# like it

STREAM = [write_chunk({"content": "hi"}), write_chunk(finish_reason="stop"), DONE]
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}
WHOLE = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}
CONFIGURATION = """
base-url = "{url}"
hooks = "tests.relay.schemathesis_checks"
[headers]
Authorization = "Bearer {token}"
[parameters]
"header.X-Provider-Key" = "{key}"
"header.X-Provider-Base" = "{base_url}"
[generation]
deterministic = true
max-examples = 8
[phases]
examples.enabled = false
stateful.enabled = false
[checks.positive_data_acceptance]
# Which 400s are right is told more strictly in the module of hooks.
expected-statuses = ["2xx", "400", "401", "403", "404"]
"""


def answer_anything(request: Recorded) -> Answer | None:
    """Answer OpenAI's wire, whatever is asked; the addresses of other wires are not there."""
    if request.method == "GET":
        return None
    if not request.path.endswith("/chat/completions"):
        return Reply(404, {"error": {"message": "There is no such model"}})
    return Stream(STREAM) if request.json.get("stream") else Reply(200, WHOLE)


@pytest.mark.parametrize("server", ["gunicorn", "waitress"])
def test_schemathesis_finds_the_relay_to_be_like_it(server: str, tmp_path: Path) -> None:
    settings = {"SIDESTEP_TOKENS_PER_MINUTE": "0"}
    with (
        OpenProvider() as fake,
        run_relay(server=server, destinations=["127.0.0.1"], settings=settings) as relay,
    ):
        fake.behaviour = answer_anything
        relay.wait_for_log(event="loaded", timeout=60)
        file = tmp_path / "schemathesis.toml"
        written = CONFIGURATION.format(url=relay.url, token=relay.token, key=fake.key, base_url=fake.base_url)
        file.write_text(written, encoding="utf-8")
        done = run_schemathesis(file, f"{relay.url}/v1/openapi.json", fake.base_url, tmp_path)
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
        counts = Counter((line["route"], line["status"]) for line in relay.log_lines() if "route" in line)
        for route in ("/v1/chat/completions", "/v1/models", "/v1/probe"):
            assert counts[route, 200] > 5, "too little came through for this to mean anything"
        assert not [line for line in relay.log_lines() if line["event"] == "bug"]


def run_schemathesis(file: Path, location: str, base_url: str, home: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(file), "run", location]
    environment: Mapping[str, str] = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        FAKE: base_url,
        # Nothing leaves this computer.
        "NO_PROXY": "127.0.0.1",
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    return subprocess.run(
        [*command, "--checks", "all", "--no-color"],
        env=environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

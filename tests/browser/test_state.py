"""The pure transitions of `web/js/state/`, run in the browser that will run them."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from sidestep.envelopes import encode, make_fingerprint

Run = Callable[[str], Any]


@pytest.fixture
def run(page: Page, static_server: str) -> Run:
    """Evaluate a JavaScript expression, with the module's functions as `s`; no page and no Python around it."""
    page.goto(f"{static_server}/build.json")
    names = "['answers', 'configs', 'conversations', 'models', 'pairings']"
    modules = f"{names}.map((name) => import(`/js/state/${{name}}.js`))"
    return lambda expression: page.evaluate(
        f"Promise.all({modules}).then((found) => Object.assign({{}}, ...found)).then((s) => {expression})"
    )


def test_identifiers_are_made_of_names_and_never_taken_twice(run: Run) -> None:
    assert run("s.freeId('My Ollama!', [])") == "my-ollama"
    assert run("s.freeId('openai', ['openai', 'openai-2'])") == "openai-3"
    assert run("s.freeId('日本', [])") == "item"


def test_events_become_an_answer(run: Run) -> None:
    answer = run(
        """s.finished(s.withEvents(s.newAnswer("a", "p/m"), [
          { type: "route_failed", route: { kind: "direct", label: "direct" }, error: { message: "no" } },
          { type: "route_taken", route: { kind: "relay", relay: "r", label: "relay R" }, reason: "because" },
          { type: "reasoning_delta", text: "hm" }, { type: "text_delta", text: "a" }, { type: "text_delta", text: "b" },
          { type: "tool_call_delta", index: 0, id: "c1", name: "look", arguments: "{" },
          { type: "tool_call_delta", index: 0, arguments: "}" },
          { type: "usage", input_tokens: 1, output_tokens: 2 },
        ]), { finish_reason: "stop", usage: null, route: null, timing: { first_token_ms: 3, total_ms: 4 } })"""
    )
    assert (answer["content"], answer["reasoning"], answer["status"]) == ("ab", "hm", "done")
    assert answer["route"]["label"] == "relay R"
    assert [detour["route"]["kind"] for detour in answer["detours"]] == ["direct"]
    assert answer["toolCalls"] == [{"id": "c1", "name": "look", "arguments": "{}"}]
    assert answer["usage"]["output_tokens"] == 2


def test_wait_is_shown_until_something_else_happens(run: Run) -> None:
    wait = '{ type: "retrying", wait_ms: 3000, attempt: 1, error: { message: "busy" } }'
    waiting = f's.withEvents(s.newAnswer("a", "p/m"), [{wait}])'
    assert run(waiting)["retrying"]["wait_ms"] == 3000
    route = '{ type: "route_taken", route: { kind: "direct", label: "direct" }, reason: "because" }'
    assert run(f"s.withEvents({waiting}, [{route}])")["retrying"] is None


def test_failure_keeps_what_came(run: Run) -> None:
    begun = 's.withEvents(s.newAnswer("a", "p/m"), [{ type: "text_delta", text: "half" }])'
    failed = run(f's.failed({begun}, {{ type: "Overloaded", route: null }})')
    assert (failed["content"], failed["status"]) == ("half", "failed")
    assert run(f's.failed({begun}, {{ type: "Cancelled" }})')["status"] == "stopped"


def test_answers_that_never_began_are_not_sent(run: Run) -> None:
    said = '{ role: "user", content: "hi" }, s.newAnswer("a", "p/m"), { role: "user", content: "?" }'
    sent = run(f's.wireMessages([{said}], "p/m")')
    assert sent == [{"role": "user", "content": "hi"}, {"role": "user", "content": "?"}]


def test_a_model_gets_its_own_answers_back_with_their_signatures_and_another_only_the_text(run: Run) -> None:
    wire = '{ role: "assistant", content: "hi", reasoning_parts: [{ text: "", signature: "proof" }] }'
    answer = f'{{ ...s.newAnswer("a", "p/m"), content: "hi", wire: {wire} }}'
    assert run(f's.wireMessages([{answer}], "p/m")')[0]["reasoning_parts"][0]["signature"] == "proof"
    assert run(f's.wireMessages([{answer}], "p/other")') == [{"role": "assistant", "content": "hi"}]
    of_a_group = f'{{ ...{answer}, model: "group/g", taken: {{ model: "p/m" }} }}'
    assert run(f's.wireMessages([{of_a_group}], "group/g")') == [{"role": "assistant", "content": "hi"}]
    assert "reasoning_parts" in run(f's.wireMessages([{of_a_group}], "p/m")')[0]


def test_removed_provider_comes_back_in_its_place_with_its_consents(run: Run) -> None:
    before = """{ version: 1, providers: [{ id: "a" }, { id: "b" }, { id: "c" }], relays: [],
      consents: [{ relay: "r", provider: "b" }, { relay: "r", provider: "c" }] }"""
    removed = run(f's.withoutProvider({before}, "b")')
    assert [one["id"] for one in removed["providers"]] == ["a", "c"]
    assert removed["consents"] == [{"relay": "r", "provider": "c"}]
    back = run(f's.restored(s.withoutProvider({before}, "b"), {before}, "providers", "b")')
    assert [one["id"] for one in back["providers"]] == ["a", "b", "c"]
    assert {"relay": "r", "provider": "b"} in back["consents"]


def test_answers_can_be_paged_through(run: Run) -> None:
    ids = run(
        """{
          const answer = (id) => ({ ...s.newAnswer(id, "p/m"), content: id });
          const asked = (last, next) => s.askedAgain({ messages: [last] }, next).messages[0];
          const third = asked(asked(answer("1"), answer("2")), answer("3"));
          const first = s.turned(s.turned(third, "earlier"), "earlier");
          const ids = (answers) => answers.map(({ id }) => id).join("");
          return [third, first, s.turned(first, "later"), s.turned(first, "earlier"), asked(first, answer("4"))]
            .map(({ id, earlier, later }) => [ids(earlier), id, ids(later)]);
        }"""
    )
    assert ids == [["12", "3", ""], ["", "1", "23"], ["1", "2", "3"], ["", "1", "23"], ["123", "4", ""]]


@pytest.mark.parametrize(
    "link",
    [
        "",
        "#relay=",
        "#relay=%%%",
        "#relay=bm90IGpzb24",
        "#relay=e30",
        "#relay=eyJ1cmwiOiJqYXZhc2NyaXB0OmFsZXJ0KDEpIiwidG9rZW4iOiJ0In0",
        "#relay=eyJ1cmwiOiJodHRwczovL3VzZXI6cHdAcmVsYXkuZXhhbXBsZSIsInRva2VuIjoidCJ9",
    ],
)
def test_pairing_links_that_make_no_sense_are_refused(run: Run, link: str) -> None:
    assert run(f"s.parsePairing({link!r})") is None


def test_a_pairing_link_with_a_damaged_key_is_not_one_without(run: Run) -> None:
    for key in ("B" + "A" * 85, "A" * 87, "B" + "=" * 86, 7):
        content = json.dumps({"url": "https://r.example", "token": "t", "key": key}).encode()
        link = "#relay=" + base64.urlsafe_b64encode(content).decode().rstrip("=")
        assert run(f"s.parsePairing({link!r})") is None


@pytest.mark.parametrize(
    ("known", "key", "can_seal", "expected"),
    [
        ("undefined", "K", "true", {"public_key": "K", "sealing": "exchange"}),
        ("undefined", "K", "false", {"public_key": "K", "sealing": "off"}),
        ("undefined", "", "true", {"public_key": "", "sealing": "off"}),
        ("{ public_key: '', sealing: 'off' }", "K", "true", {"public_key": "K", "sealing": "exchange"}),
        # A link without a key takes none away, and one with another changes no level.
        ("{ public_key: 'P', sealing: 'key' }", "", "true", {"public_key": "P", "sealing": "key"}),
        ("{ public_key: 'P', sealing: 'key' }", "K", "true", {"public_key": "K", "sealing": "key"}),
        ("{ public_key: 'P', sealing: 'exchange' }", "K", "false", {"public_key": "K", "sealing": "exchange"}),
    ],
)
def test_pairing_seals_all_that_it_can_and_never_less_than_before(
    run: Run, known: str, key: str, can_seal: str, expected: dict[str, str]
) -> None:
    assert run(f"s.pairedSealing({known}, {{ public_key: {key!r} }}, {{ canSeal: {can_seal} }})") == expected


def test_the_page_makes_the_relay_s_fingerprints(page: Page, static_server: str) -> None:
    page.goto(f"{static_server}/build.json")
    point = b"\x04" + bytes(range(64))
    made = page.evaluate(f"import('/js/fingerprints.js').then((f) => f.makeFingerprint({encode(point)!r}))")
    assert made == make_fingerprint(point)

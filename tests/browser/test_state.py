"""The pure transitions of `web/js/state/`, run in the browser that will run them."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page

from sidestep import SidestepError
from sidestep.envelopes import encode, make_fingerprint

Run = Callable[[str], Any]

_MODULES = [
    "answers",
    "attachments",
    "configs",
    "conversations",
    "exports",
    "models",
    "pairings",
    "parameters",
    "remedies",
    "requests",
    "searches",
    "stored_conversations",
]


@pytest.fixture
def run(bare_page: Page) -> Run:
    """Evaluate a JavaScript expression, with the modules' functions as `s`; no page and no Python around it."""
    modules = f"{json.dumps(_MODULES)}.map((name) => import(own(`js/state/${{name}}.js`)))"
    return lambda expression: bare_page.evaluate(
        f"Promise.all({modules}).then((found) => Object.assign({{}}, ...found)).then((s) => {expression})"
    )


def test_identifiers_are_made_of_names_and_never_taken_twice(run: Run) -> None:
    assert run("s.freeId('My Ollama!', [])") == "my-ollama"
    assert run("s.freeId('openai', ['openai', 'openai-2'])") == "openai-3"
    assert run("s.freeId('日本', [])") == "item"


def test_events_become_an_answer(run: Run) -> None:
    answer = run(
        """s.finished(s.withEvents(s.newAnswer("a", "p/m", 1), [
          { type: "route_failed", route: { kind: "direct", label: "direct" }, error: { message: "no" } },
          { type: "route_taken", route: { kind: "relay", relay: "r", label: "relay R" }, reason: "because" },
          { type: "reasoning_delta", text: "hm" }, { type: "text_delta", text: "a" }, { type: "text_delta", text: "b" },
          { type: "tool_call_delta", index: 0, id: "c1", name: "look", arguments: "{" },
          { type: "tool_call_delta", index: 0, arguments: "}" },
          { type: "usage", input_tokens: 1, output_tokens: 2 },
        ], 1000), { finish_reason: "stop", usage: null, route: null,
          timing: { first_token_ms: 3, total_ms: 4 } }, 1500)"""
    )
    assert (answer["content"], answer["reasoning"], answer["status"]) == ("ab", "hm", "done")
    assert answer["route"]["label"] == "relay R"
    assert [detour["route"]["kind"] for detour in answer["detours"]] == ["direct"]
    assert answer["toolCalls"] == [{"id": "c1", "name": "look", "arguments": "{}"}]
    assert answer["usage"]["output_tokens"] == 2


def test_wait_is_shown_until_something_else_happens(run: Run) -> None:
    wait = '{ type: "retrying", wait_ms: 3000, attempt: 1, error: { message: "busy" } }'
    waiting = f's.withEvents(s.newAnswer("a", "p/m", 1), [{wait}], 1)'
    assert run(waiting)["retrying"]["wait_ms"] == 3000
    route = '{ type: "route_taken", route: { kind: "direct", label: "direct" }, reason: "because" }'
    assert run(f"s.withEvents({waiting}, [{route}], 1)")["retrying"] is None


def test_failure_keeps_what_came(run: Run) -> None:
    begun = 's.withEvents(s.newAnswer("a", "p/m", 1), [{ type: "text_delta", text: "half" }], 1)'
    failed = run(f's.failed({begun}, {{ type: "Overloaded", route: null }}, 2)')
    assert (failed["content"], failed["status"]) == ("half", "failed")
    assert run(f's.failed({begun}, {{ type: "Cancelled" }}, 2)')["status"] == "stopped"


def test_answers_that_never_began_are_not_sent(run: Run) -> None:
    said = '{ role: "user", content: "hi" }, s.newAnswer("a", "p/m", 1), { role: "user", content: "?" }'
    sent = run(f's.wireMessages([{said}], "p/m")')
    assert sent == [{"role": "user", "content": "hi"}, {"role": "user", "content": "?"}]


def test_a_model_gets_its_own_answers_back_with_their_signatures_and_another_only_the_text(run: Run) -> None:
    wire = '{ role: "assistant", content: "hi", reasoning_parts: [{ text: "", signature: "proof" }] }'
    answer = f'{{ ...s.newAnswer("a", "p/m", 1), content: "hi", wire: {wire} }}'
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


_TREE = """
  const answer = (id, created) => ({ ...s.newAnswer(id, "p/m", created), content: id });
  const said = (id, created) => ({ id, created, content: id });
  const ids = (conversation) => s.thread(conversation).map(({ id }) => id).join("");
  let talk = s.asked(s.newConversation("c", 1), said("A", 2), [answer("a", 3)]);
  talk = s.asked(talk, said("B", 4), [answer("b", 5)]);
"""


def test_answers_can_be_paged_through_and_bring_what_followed_them(run: Run) -> None:
    seen = run(
        f"""{{ {_TREE}
          const again = s.askedAgain(talk, "a", answer("x", 6));
          const back = s.turned(again, "x", "earlier");
          const versions = s.versionsOf(back, back.messages.a).map(({{ id }}) => id).join("");
          return [ids(talk), ids(again), ids(back), ids(s.turned(back, "a", "earlier")),
            ids(s.turned(back, "a", "later")), versions];
        }}"""
    )
    assert seen == ["AaBb", "Ax", "AaBb", "AaBb", "Ax", "ax"]


def test_what_was_said_otherwise_stays_beside_it(run: Run) -> None:
    seen = run(
        f"""{{ {_TREE}
          const edited = s.asked(talk, said("C", 6), [answer("c", 7)], talk.messages.A.parent);
          return [ids(edited), s.versionsOf(edited, edited.messages.C).map(({{ id }}) => id).join(""),
            ids(s.turned(edited, "C", "earlier")), edited.title];
        }}"""
    )
    assert seen == ["Cc", "AC", "AaBb", "A"]


def test_a_branch_takes_along_what_was_said_up_to_it_and_leaves_the_rest(run: Run) -> None:
    seen = run(
        f"""{{ {_TREE}
          const copy = s.branched({{ ...talk, isPinned: true }}, "a", {{ id: "d", title: "T", now: 9 }});
          return [ids(copy), copy.id, copy.isPinned, ids(talk)];
        }}"""
    )
    assert seen == ["Aa", "d", False, "AaBb"]


def test_compared_answers_stand_side_by_side_and_one_goes_on(run: Run) -> None:
    seen = run(
        """{
          const answer = (id, model, created) => ({ ...s.newAnswer(id, model, created), content: id });
          const said = { id: "A", created: 1, content: "A", compared: ["p/m", "p/n"] };
          let talk = s.asked(s.newConversation("c", 1), said, [answer("a", "p/m", 2), answer("b", "p/n", 3)]);
          const side = (t) => s.comparedWith(t, t.messages[t.current]).map(({ id }) => id).join("");
          const other = s.goingOnFrom(talk, "b");
          const again = s.askedAgain(other, "b", answer("c", "p/n", 4));
          return [talk.current, side(talk), other.current, side(other), side(again),
            s.versionsOf(again, again.messages.c).map(({ id }) => id).join("")];
        }"""
    )
    assert seen == ["a", "ab", "b", "ab", "ac", "bc"]


def test_conversations_of_the_first_versions_become_trees(run: Run) -> None:
    seen = run(
        """{
          const tree = s.treeFromList({ id: "c", title: "T", updated: 100, messages: [
            { id: "A", role: "user", content: "A" },
            { id: "2", role: "assistant", model: "p/m", content: "2", status: "done",
              earlier: [{ id: "1", role: "assistant", model: "p/m", content: "1", status: "done" }],
              later: [{ id: "3", role: "assistant", model: "p/m", content: "3", status: "done" }] },
            { id: "B", role: "user", content: "B" },
            { nonsense: true },
            { id: "b", role: "assistant", model: "p/m", content: "b", status: "done" }] });
          return [s.thread(tree).map(({ id }) => id).join(""),
            s.versionsOf(tree, tree.messages["2"]).map(({ id }) => id).join(""),
            tree.title, "earlier" in tree.messages["2"]];
        }"""
    )
    assert seen == ["A2Bb", "123", "T", False]


def test_damaged_rows_cost_themselves_alone(run: Run) -> None:
    seen = run(
        """{
          const head = s.loadHead({ id: "c", title: 7, updated: "?", parameters: [], current: "gone" });
          const rows = [null, 5, { id: "x", role: "system" }, { id: "a", role: "user", content: {}, created: 1 },
            { id: "b", role: "assistant", parent: "a", content: "ok", toolCalls: "?", created: 2 }];
          const talk = s.loadConversation(head, rows);
          return [head.title, head.parameters, s.thread(talk).map(({ content }) => content), talk.messages.b.toolCalls,
            s.loadHead({ title: "no id" })];
        }"""
    )
    assert seen == ["New chat", {}, ["", "ok"], [], None]


def test_a_circle_of_parents_ends(run: Run) -> None:
    looped = '{ current: "a", messages: { a: { id: "a", parent: "b" }, b: { id: "b", parent: "a" } } }'
    assert [message["id"] for message in run(f"s.thread({looped})")] == ["b", "a"]


def test_thinking_is_timed_and_costs_of_all_requests_are_added(run: Run) -> None:
    answer = run(
        """{
          const result = (cost) => ({ finish_reason: "length", usage: { input_tokens: 2, output_tokens: 3 },
            route: null, timing: null, cost, message: { role: "assistant", content: "" } });
          let one = s.withEvents(s.newAnswer("a", "p/m", 1), [{ type: "reasoning_delta", text: "hm" }], 1000);
          one = s.withEvents(one, [{ type: "text_delta", text: "x" }], 3500);
          one = s.finished(one, result(0.5), 4000);
          one = s.withEvents(s.continued(one), [{ type: "text_delta", text: "y" }], 5000);
          return s.finished(one, result(0.25), 6000);
        }"""
    )
    assert (answer["thoughtFor"], answer["content"], answer["cost"]) == (2500, "xy", 0.75)
    assert answer["usage"]["output_tokens"] == 6
    assert answer["wire"] is None


def test_a_system_prompt_and_files_are_sent_as_the_wire_has_them(run: Run) -> None:
    sent = run(
        """s.wireMessages([{ role: "user", content: "See", attachments: [
          { kind: "image", name: "p.png", data: "data:image/png;base64,AA==" },
          { kind: "text", name: "a.md", data: "```js\\n1\\n```" }] }], "p/m", { system: "Be brief." })"""
    )
    assert sent[0] == {"role": "system", "content": "Be brief."}
    image, text, words = sent[1]["content"]
    assert image["image_url"]["url"] == "data:image/png;base64,AA=="
    assert text["text"].startswith("File “a.md”:\n````\n```js")
    assert words["text"] == "See"


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("{ name: 'a', type: 'image/png', size: 20e6 }", None),
        ("{ name: 'a.svg', type: 'image/svg+xml', size: 2000 }", None),
        ("{ name: 'a.py', type: '', size: 2000 }", None),
        ("{ name: 'a', type: 'image/png', size: 200e6 }", "at most 100 MB"),
        ("{ name: 'a', type: 'text/plain', size: 2e6 }", "at most 1 MB"),
        ("{ name: 'a', type: 'text/plain', size: 0 }", "is empty"),
        ("{ name: 'a', type: 'application/pdf', size: 5 }", "is a PDF"),
        ("{ name: 'a', type: 'video/mp4', size: 5 }", "sound or film"),
    ],
)
def test_files_that_cannot_be_sent_are_refused_in_words(run: Run, file: str, words: str | None) -> None:
    refusal = run(f"s.refusalOf({file})")
    assert refusal == "" if words is None else words in refusal


def test_only_text_is_taken_for_text(run: Run) -> None:
    assert run("s.decodeText(new TextEncoder().encode('Grüße'))") == "Grüße"
    assert run("s.decodeText(new Uint8Array([0xff, 0xfe, 0x41, 0]))") == "A"
    assert run("s.decodeText(new Uint8Array([0x41, 0, 0x42]))") is None
    assert run("s.decodeText(new Uint8Array([0xff, 0xd8, 0xff, 0xe0]))") is None
    assert run("s.fitted(6000, 4000)") == {"width": 2048, "height": 1365}
    assert run("s.fitted(10, 5)") == {"width": 10, "height": 5}


def test_parameters_are_read_as_they_are_typed(run: Run) -> None:
    warm = '{ name: "temperature", kind: "number", minimum: 0, maximum: 2, choices: [] }'
    most = '{ name: "max_tokens", kind: "integer", minimum: 1, maximum: null, choices: [] }'
    stop = '{ name: "stop", kind: "texts", minimum: null, maximum: null, choices: [] }'
    assert run(f's.readParameter({warm}, "0,5")') == {"value": 0.5}
    assert run(f's.readParameter({warm}, " ")') == {"value": None}
    assert "At most 2" in run(f's.readParameter({warm}, "3")')["problem"]
    assert "whole" in run(f's.readParameter({most}, "1.5")')["problem"]
    assert run(f's.readParameter({stop}, "END\\n\\nSTOP")') == {"value": ["END", "STOP"]}


def test_searching_finds_all_the_words_and_shows_where(run: Run) -> None:
    rows = '[{ conversation: "c", id: "m", content: "x".repeat(90) + " The Sly fox (a+b) jumps" }, { content: null }]'
    (match,) = run(f's.findMatches({rows}, "FOX (a+b)")')
    assert (match["conversation"], match["message"]) == ("c", "m")
    assert match["excerpt"][1::2] == ["fox", "(a+b)"]
    assert match["excerpt"][0].startswith("…")
    assert run(f's.findMatches({rows}, "fox hen")') == []


def test_one_conversation_is_written_as_markdown_and_as_json(run: Run) -> None:
    markdown, whole, name = run(
        f"""{{ {_TREE}
          const set = {{ ...talk, system: "Be\\nbrief." }};
          return [s.writeMarkdown(set), JSON.parse(s.writeJson(set)), s.fileName("a/b: c?..")];
        }}"""
    )
    assert markdown.startswith("# A\n\n> Be\n> brief.\n\n## You\n\nA\n\n## p/m\n\na\n")
    assert (whole["format"], len(whole["messages"])) == ("sidestep-conversation", 4)
    assert name == "ab c"


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
    page.route("**/js/main.js", lambda route: route.abort())
    page.goto(f"{static_server}/")
    point = b"\x04" + bytes(range(64))
    made = page.evaluate(f"import(own('js/fingerprints.js')).then((f) => f.makeFingerprint({encode(point)!r}))")
    assert made == make_fingerprint(point)


def test_every_failure_has_one_thing_to_do_about_it(run: Run) -> None:
    kinds = sorted(kind.__name__ for kind in _all_errors(SidestepError))
    steps = run(
        f"""{json.dumps(kinds)}.map((type) => [type, s.firstStep({{ type, origin: "client", status: null,
          retryable: false, consent_needed: [] }}, {{ hasProvider: true }})])"""
    )
    chosen = dict(steps)
    assert chosen["AuthenticationError"] == "settings"
    assert chosen["RateLimited"] == "wait"
    assert chosen["FetchRejected"] == "diagnose"
    assert chosen["RelayAuthenticationError"] == "relays"
    assert chosen["ModelNotFound"] == "model"
    plain = {"SidestepError", "TransportError", "ResponseError", "BadRequest", "Cancelled", "ConfigurationError"}
    # No chat ends with it: the import says it where it was asked for.
    plain |= {"ImportProblem"}
    known = set(run("Object.keys(s.STEPS_BY_TYPE)"))
    assert set(kinds) - plain <= known, "an error type has no step of its own"
    failure = '{ type: "NoRoute", origin: "client", status: null, retryable: false, consent_needed: ["r"] }'
    assert run(f"s.firstStep({failure}, {{ hasProvider: true }})") == "allow"
    assert run(f"s.firstStep({failure}, {{ hasProvider: false }})") == "add"


def _all_errors(kind: type[Exception]) -> set[type[Exception]]:
    # Those that speak for LiteLLM never reach the page.
    below = [kind for kind in kind.__subclasses__() if not kind.__module__.startswith("sidestep.completions")]
    return {kind}.union(*(_all_errors(one) for one in below))

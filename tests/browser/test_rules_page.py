"""Rules, model groups and options: edited in the page, tried there, and obeyed."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.pages import last_answer, save, send, stored_config, wait_for_python
from tests.fakes.providers import OpenProvider

_SEED = """async ([config, key]) => {
  const { Store } = await import(own("js/store.js"));
  const store = await Store.open();
  await store.saveSetting("config", config);
  for (const { id } of config.providers) await store.vault.save("providers", id, { value: key, custody: "device" });
  await store.saveSetting("model", "first/fake-small");
}"""
_OVERFLOWING = """() => ["html", "main", "dialog"].flatMap((name) => document.querySelector(name) ?? [])
  .filter((one) => one.scrollWidth > one.clientWidth).map(({ tagName }) => tagName)"""
_RELAY = {"id": "attic", "name": "Attic", "url": "http://127.0.0.1:9"}

OpenRules = Callable[..., Page]
Run = Callable[[str], Any]


@pytest.fixture
def second_provider() -> Iterator[OpenProvider]:
    with OpenProvider() as fake:
        fake.text = "The second one answers."
        yield fake


@pytest.fixture
def open_rules(
    page_without_python: Page, static_server: str, open_provider: OpenProvider, second_provider: OpenProvider
) -> OpenRules:
    """Open the rules of a page that has the providers `first` and `second`, and what else is given."""

    def describe(provider_id: str, name: str, fake: OpenProvider) -> dict[str, Any]:
        about = {"kind": "custom", "dialect": "openai_chat", "headers": {}, "route": "auto"}
        return about | {"id": provider_id, "name": name, "base_url": fake.base_url, "models": list(fake.models)}

    def open_them(**parts: Any) -> Page:
        page = page_without_python
        providers = [describe("first", "First", open_provider), describe("second", "Second", second_provider)]
        config: Mapping[str, Any] = {"version": 1, "providers": providers, "relays": [], "consents": [], **parts}
        page.evaluate(_SEED, [config, open_provider.key])
        page.unroute("**/pyodide/**")
        page.goto(f"{static_server}/#rules")
        page.reload()
        wait_for_python(page)
        return page

    return open_them


def list_rules(page: Page) -> Locator:
    return page.get_by_role("list", name="Rules, in their order").locator("> li")


def list_outcomes(place: Page | Locator) -> Locator:
    return place.get_by_role("alert").get_by_role("listitem")


def open_rule_form(page: Page) -> Locator:
    page.get_by_role("button", name="Add rule").click()
    return page.get_by_role("dialog")


def test_rule_is_added_moved_switched_off_removed_and_kept(open_rules: OpenRules) -> None:
    page = open_rules(relays=[_RELAY])
    page.get_by_role("button", name="Add this rule: “Long conversations to another model”").click()
    expect(list_rules(page)).to_contain_text("Requests of 50,000 tokens or more are answered by fake-small of Second")

    dialog = open_rule_form(page)
    dialog.get_by_label("Name").fill("At night")
    dialog.get_by_label("Providers").fill("fir*")
    dialog.get_by_role("button", name="second", exact=True).click()
    expect(dialog.get_by_label("Providers")).to_have_value("fir*, second")
    dialog.get_by_label("From").fill("22:00")
    dialog.get_by_label("Until").fill("6:00")
    dialog.get_by_label("Fri").check()
    dialog.get_by_label("Way").select_option("Relay only")
    dialog.get_by_label("Attic").check()
    save(dialog)
    expect(list_rules(page).last).to_contain_text(
        "Requests to “fir*” or Second, from 22:00 to 06:00 on Friday, go only over Attic."
    )

    page.get_by_role("button", name="Move At night up").press("Enter")
    expect(list_rules(page).first).to_contain_text("At night")
    expect(page.get_by_role("button", name="Move At night up")).to_be_focused()
    expect(page.get_by_role("status")).to_contain_text("“At night” is now number 1 of 2.")

    switch = page.get_by_role("switch", name="Use “At night”")
    switch.press("Space")
    expect(switch).not_to_be_checked()
    page.get_by_role("button", name="Remove At night").click()
    expect(list_rules(page)).to_have_count(1)
    expect(page.get_by_role("heading", name="Rules", exact=True)).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(list_rules(page).first).to_contain_text("At night")

    page.reload()
    expect(list_rules(page).first).to_contain_text("At night")
    expect(switch).not_to_be_checked()
    night = stored_config(page)["rules"][0]
    assert night == {
        "id": "at-night",
        "name": "At night",
        "enabled": False,
        "when": {"provider": ["fir*", "second"], "time": {"from": "22:00", "to": "06:00", "days": ["fri"]}},
        "then": {"policy": "relay", "relays": ["attic"]},
    }


def test_problems_stand_beside_their_fields_and_nothing_is_lost(open_rules: OpenRules) -> None:
    odd = {"id": "odd", "when": {"tokens": {"min": "lots"}, "moon": "full"}, "then": {}, "note": "mine"}
    page = open_rules(rules=[odd])
    card = list_rules(page)
    expect(card).to_contain_text("when.tokens.min")
    expect(card).to_contain_text("“moon” is not known here")

    page.get_by_role("button", name="Edit odd").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Wait for an answer").fill("soon")
    dialog.get_by_role("button", name="Save").click()
    least, timeout = dialog.get_by_label("Tokens, at least"), dialog.get_by_label("Wait for an answer")
    expect(least).to_be_focused()
    expect(least).to_have_accessible_description(re.compile("whole number"))
    expect(timeout).to_have_accessible_description(re.compile("3600 seconds"))
    expect(dialog.get_by_role("alert").first).to_contain_text("“moon” is not known here")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert stored_config(page)["rules"] == [odd]


def test_rule_in_python_is_saved_once_it_compiles(open_rules: OpenRules) -> None:
    page = open_rules()
    dialog = open_rule_form(page)
    dialog.get_by_label("Name").fill("Mine")
    dialog.get_by_role("radio", name="Python").check()
    source = dialog.get_by_label("Function")
    source.fill("def route(request, context):\n    return {'timeout': 7")
    dialog.get_by_role("button", name="Save").click()
    expect(source).to_have_accessible_description(re.compile("Line 2"))
    expect(source).to_be_focused()
    assert not stored_config(page).get("rules")

    source.fill("def route(request, context):")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Backspace")
    page.keyboard.type("   return {'timeout': 7}")
    expect(source).to_have_value("def route(request, context):\n          return {'timeout': 7}")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(source).not_to_be_focused()
    dialog.get_by_role("button", name="Try", exact=True).click()
    expect(list_outcomes(dialog)).to_contain_text("Such requests wait up to 7 s for an answer to begin.")
    save(dialog)
    expect(list_rules(page)).to_contain_text("A function in Python decides.")
    page.get_by_text("Show the function").click()
    expect(list_rules(page)).to_contain_text("return {'timeout': 7}")


def test_rules_are_tried_as_they_stand_in_the_form(open_rules: OpenRules) -> None:
    night = {"id": "night", "name": "Night", "when": {"time": {"from": "22:00", "to": "06:00"}}, "then": {"timeout": 9}}
    long = {"id": "long", "name": "Long", "when": {"tokens": {"min": 5000}}, "then": {"policy": "direct"}}
    off = {"id": "off", "name": "Never", "enabled": False, "when": {}, "then": {}}
    page = open_rules(rules=[night, long, off])
    page.get_by_text("At another time").click()
    page.get_by_label("Time of day").fill("12:00")
    page.get_by_label("Message to try").fill("Hello")
    page.get_by_role("button", name="Try", exact=True).click()
    outcomes = list_outcomes(page)
    expect(outcomes.nth(0)).to_contain_text(
        re.compile("Differs.*12:00; the rule is for requests from 22:00", re.DOTALL)
    )
    expect(outcomes.nth(1)).to_contain_text("The request has about")
    expect(outcomes.nth(2)).to_contain_text("Off")
    page.get_by_label("Time of day").fill("23:00")
    expect(outcomes).to_have_count(0)
    page.get_by_label("Tokens before this message").fill("6,000")
    page.keyboard.press("Enter")
    expect(outcomes.nth(0)).to_contain_text("Decides")
    expect(outcomes.nth(1)).to_contain_text("Matches, too late")

    page.get_by_role("button", name="Edit Long").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Tokens, at least").fill("1")
    dialog.get_by_label("Message to try").fill("Hello")
    dialog.get_by_text("At another time").click()
    dialog.get_by_label("Time of day").fill("12:00")
    dialog.get_by_role("button", name="Try", exact=True).click()
    expect(list_outcomes(dialog).nth(1)).to_contain_text(re.compile(r"Decides.*Long \(this rule\)", re.DOTALL))
    page.keyboard.press("Escape")
    assert stored_config(page)["rules"] == [night, long, off]


def test_rule_sends_a_chat_elsewhere(
    open_rules: OpenRules, open_provider: OpenProvider, second_provider: OpenProvider
) -> None:
    page = open_rules()
    dialog = open_rule_form(page)
    dialog.get_by_label("Models", exact=True).fill("*-small")
    dialog.get_by_label("Ask another model instead").fill("second/fake-large")
    save(dialog)
    page.get_by_role("link", name="Chat").click()
    send(page, "Hello")
    expect(last_answer(page)).to_contain_text("The second one answers.")
    expect(last_answer(page)).to_contain_text("fake-large")
    assert [chat.json["model"] for chat in second_provider.chats] == ["fake-large"]
    assert not open_provider.chats


def test_group_is_made_and_falls_to_its_second_model(
    open_rules: OpenRules, open_provider: OpenProvider, second_provider: OpenProvider
) -> None:
    page = open_rules()
    page.get_by_role("button", name="Add group").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("fast one")
    dialog.get_by_role("combobox", name="Model 1").fill("first/fake-large")
    dialog.get_by_role("combobox", name="Model 2").fill("second/fake-small")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_label("Name")).to_have_accessible_description(re.compile("made of letters"))
    dialog.get_by_label("Name").fill("fast")
    save(dialog)
    expect(page.get_by_role("main")).to_contain_text("group/fast")

    page.get_by_role("link", name="Chat").click()
    models = page.get_by_role("combobox", name="Model")
    models.click()
    page.keyboard.type("fast")
    page.get_by_role("option", name="fast").first.click()
    page.reload()
    expect(models).to_have_value("fast")
    open_provider.answers.extend([open_provider.error(503, "Overloaded", Retry_After="120")] * 3)
    send(page, "Hello")
    expect(last_answer(page)).to_contain_text("The second one answers.")
    expect(last_answer(page)).to_contain_text("fake-small")
    assert [chat.json["model"] for chat in open_provider.chats][:1] == ["fake-large"]

    page.get_by_role("link", name="Rules").click()
    page.get_by_role("button", name="Remove the group fast").click()
    page.get_by_role("link", name="Chat").click()
    expect(models).to_have_value("fake-small")


def test_options_are_kept_beside_what_the_page_does_not_know(open_rules: OpenRules) -> None:
    page = open_rules(options={"shares_requests": True, "unheard_of": 1})
    expect(page.get_by_text("“unheard_of” is not known here")).to_be_visible()
    page.get_by_role("switch", name="Share identical requests").uncheck()
    page.get_by_role("switch", name="Keep answers").check()
    page.get_by_label("Keep them for").select_option("7 days")
    page.reload()
    expect(page.get_by_label("Keep them for")).to_have_value("604800")
    kept = {"shares_requests": False, "caches_answers": True, "cache_lifetime": 604800, "unheard_of": 1}
    assert stored_config(page)["options"] == kept


def test_nothing_is_cut_off_on_a_narrow_screen(open_rules: OpenRules) -> None:
    long = {"provider": "a-provider-with-an-unreasonably-long-identifier-that-breaks-nowhere"}
    group = {"name": "an-unreasonably-long-name-of-a-group-that-breaks-nowhere", "strategy": "weighted"}
    members = [{"model": "first/an-unreasonably-long-name-of-a-model-that-breaks-nowhere", "weight": 2}]
    page = open_rules(
        rules=[{"id": "long", "when": long, "then": {}}, {"id": "mine", "python": "x = 1"}],
        groups=[{**group, "members": members}],
        relays=[_RELAY],
    )
    page.set_viewport_size({"width": 360, "height": 640})
    page.get_by_text("At another time").click()
    page.get_by_role("button", name="Try", exact=True).click()
    expect(list_outcomes(page)).to_have_count(2)
    assert page.evaluate(_OVERFLOWING) == []
    for opener in ("Edit long", "Edit mine", "Edit the group"):
        page.get_by_role("button", name=opener).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert page.evaluate(_OVERFLOWING) == [], opener
        page.keyboard.press("Escape")


# The pure functions


@pytest.fixture
def run(bare_page: Page) -> Run:
    """Evaluate a JavaScript expression with the functions of the rules' modules as `r`; no page around it."""
    names = "['rules', 'rule_drafts', 'policies', 'trials', 'group_drafts']"
    modules = f"{names}.map((name) => import(own(`js/state/${{name}}.js`)))"
    return lambda expression: bare_page.evaluate(
        f"Promise.all({modules}).then((all) => Object.assign({{}}, ...all)).then((r) => {expression})"
    )


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("{ when: {}, then: {} }", "All requests go as they would without rules."),
        (
            "{ when: { provider: 'a' }, then: { policy: 'direct' } }",
            "Requests to Alpha go directly and never over a relay.",
        ),
        (
            "{ when: { model: ['m*', 'n'], tokens: { min: 10, max: 2000 } }, then: { timeout: 1200 } }",
            "Requests for the model “m*” or “n”, of 10 to 2,000 tokens, wait up to 1,200 s for an answer to begin.",
        ),
        (
            "{ when: { attachments: ['image', 'file'], has_tools: false, tags: ['x'] }, then: { policy: 'relay' } }",
            "Requests with an image or a file, without tools, tagged “x”, go only over a relay.",
        ),
        (
            "{ when: { time: { days: ['sun', 'sat'] } }, then: { relays: ['r', 'gone'], strategy: 'order' } }",
            "Requests at the weekend use no relay but Roof, then “gone”.",
        ),
        (
            "{ when: { time: { from: '08:00', to: '18:00', days: ['tue', 'mon'] } }, then: { model: 'a/m' } }",
            "Requests from 08:00 to 18:00 on Monday and Tuesday are answered by m of Alpha instead.",
        ),
        (
            "{ when: { time: { days: ['mon', 'tue', 'wed', 'thu', 'fri'] } }, then: { policy: 'auto' } }",
            "Requests on working days go directly where that works, else over a relay.",
        ),
        (
            "{ when: {}, then: { relays: ['r', 's'], strategy: 'balanced' } }",
            "All requests use no relay but Roof or “s”, whichever does best.",
        ),
        ("{ python: 'def route(request, context): ...' }", "A function in Python decides."),
        (
            "{ when: { moon: 'full', tokens: { min: 'lots' } }, then: { relays: ['r'] } }",
            "Requests with “tokens” (not understood), with “moon” (not understood), use no relay but Roof.",
        ),
        ("{ when: 7, then: null }", "Requests that are not understood go as they would without rules."),
        ("null", "This is no rule."),
    ],
)
def test_rule_is_told_in_one_sentence(run: Run, rule: str, sentence: str) -> None:
    assert run(f"r.describeRule({rule}, {{ providers: {{ a: 'Alpha' }}, relays: {{ r: 'Roof' }} }})") == sentence


def test_form_writes_only_what_was_changed(run: Run) -> None:
    odd = """{ id: "x", enabled: false, extra: 1, when: { provider: "a", tokens: { min: "lots", more: 2 }, moon: 1 },
      then: { relays: [], timeout: 5 } }"""
    same = run(f"r.ruleFromDraft(r.draftOfRule({odd}), {odd}, [])")
    assert same == run(f"({odd})")
    changed = run(
        f"""{{ const draft = r.draftOfRule({odd});
          Object.assign(draft.values, {{ "/when/tokens/min": "1,000", "/then/timeout": "", "/when/has_tools": "no" }});
          return r.ruleFromDraft(draft, {odd}, []); }}"""
    )
    assert changed["when"] == {"provider": "a", "tokens": {"min": 1000, "more": 2}, "moon": 1, "has_tools": False}
    assert changed["then"] == {"relays": []}


def test_form_leaves_empty_fields_out_and_guesses_no_number(run: Run) -> None:
    fresh = run("r.ruleFromDraft(r.draftOfRule(undefined), undefined, ['rule'])")
    assert fresh == {"id": "rule-2", "enabled": True, "when": {}, "then": {}}
    tokens = """(text) => { const draft = r.draftOfRule(undefined); draft.values["/when/tokens/max"] = text;
      return r.ruleFromDraft(draft, undefined, []).when.tokens?.max; }"""
    assert run(f"['1000', '1 000', '1.000', '-1', ' '].map({tokens})") == [1000, 1000, "1.000", "-1", None]


def test_rule_that_becomes_a_function_has_no_conditions_left(run: Run) -> None:
    rule = '{ id: "a", when: { model: "m" }, then: {} }'
    written = run(f"r.ruleFromDraft({{ ...r.draftOfRule({rule}), kind: 'python' }}, {rule}, [])")
    assert (sorted(written), written["id"]) == (["id", "python"], "a")


def test_problems_are_found_at_their_fields(run: Run) -> None:
    found = run(
        """r.problemsAtFields(r.problemsBelow([
          { field: "/rules/1/when/provider/0", message: "a" }, { field: "/rules/10/id", message: "b" },
          { field: "/rules/1", message: "c" }], "/rules/1"), ["/when/provider"])"""
    )
    assert [(problem["field"], problem["message"]) for problem in found] == [("/when/provider", "a"), ("", "c")]


def test_time_to_try_at_is_completed_by_the_clock(run: Run) -> None:
    now = "new Date(2026, 8, 6, 9, 30)"  # a Sunday
    at = "(time, day) => r.localTimeOf({ time, day }, " + now + ")"
    assert run(f"[['', ''], ['23:05', ''], ['', 'mon']].map(([time, day]) => ({at})(time, day))") == [
        None,
        {"minute": 23 * 60 + 5, "weekday": 6},
        {"minute": 9 * 60 + 30, "weekday": 0},
    ]

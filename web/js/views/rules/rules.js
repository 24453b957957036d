// @ts-check
import { useEffect, useRef } from "preact/hooks";
import { rulesOf } from "../../state/policies.js";
import { exampleRules } from "../../state/rule_examples.js";
import { describeRule } from "../../state/rules.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { PlusIcon } from "../parts/icons.js";
import { ModelGroups } from "./model_groups.js";
import { Options } from "./options.js";
import { RuleCard } from "./rule_card.js";
import { namesIn } from "./rule_names.js";
import { TryRules } from "./try_rules.js";

export function Rules() {
  const { model } = useApp();
  const rules = rulesOf(model.config.value);
  const add = () => { model.dialog.value = { kind: "rule", position: null }; };
  return html`
    <section class="page rules-page">
      <header class="page-head">
        <div><h1 tabindex="-1">${t`Rules`}</h1>
          <p>${t`Which model, which way, and when. The first rule that matches decides, and no other is looked at.`}</p></div>
        <button type="button" class="primary" onClick=${add}><${PlusIcon} /> ${t`Add rule`}</button>
      </header>
      <${WholeProblems} />
      ${rules.length ? html`<${RuleList} />` : html`<${NoRule} />`}
      ${rules.length > 0 && html`
        <section class="page-part" aria-labelledby="try-title">
          <h2 id="try-title">${t`Try them`}</h2>
          <p class="hint">${t`See what each rule says to a request. Nothing is sent.`}</p>
          <div class="card"><${TryRules} scope="try" rules=${rules} /></div>
        </section>`}
      <${ModelGroups} />
      <${Options} />
    </section>`;
}

/** What is wrong with the lists as such, so that none of their rows can be shown. */
function WholeProblems() {
  const { model } = useApp();
  const whole = model.problems.value.filter(({ field }) => field === "/rules" || field === "/groups");
  return html`${whole.map(({ message }) => html`<p class="problem" role="alert">${message}</p>`)}`;
}

function RuleList() {
  const { model, actions } = useApp();
  const rules = rulesOf(model.config.value);
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const moved = useRef(/** @type {{position: number, step: -1 | 1} | null} */ (null));
  useEffect(() => {
    // The button goes with its rule, and so does whoever pressed it.
    const { position, step } = moved.current ?? { position: -1, step: 1 };
    moved.current = null;
    const button = list.current?.children[position]?.querySelector(`[data-step="${step}"]`);
    /** @type {HTMLElement | null | undefined} */ (button)?.focus();
  }, [rules]);

  /** @param {number} position @param {-1 | 1} step */
  function move(position, step) {
    const to = position + step;
    if (to < 0 || to >= rules.length) return;
    moved.current = { position: to, step };
    actions.policies.moveRule(position, to);
  }
  /** @param {number} position */
  function remove(position) {
    actions.policies.removeRule(position);
    focusHeading();
  }
  return html`
    <ol class="cards rule-list" aria-label=${t`Rules, in their order`} ref=${list}>
      ${rules.map((rule, position) => html`
        <${RuleCard} key=${position} rule=${rule} position=${position} isLast=${position === rules.length - 1}
          onMove=${(/** @type {-1 | 1} */ step) => move(position, step)} onRemove=${() => remove(position)} />`)}
    </ol>`;
}

/** @type {Record<string, {text: () => string, button: () => string, dialog: "relay" | "provider"}>} */
const LACKING = {
  relay: { text: () => t`It needs a relay to go over.`, button: () => t`Add relay`, dialog: "relay" },
  model: { text: () => t`It needs a second model to go to.`, button: () => t`Add provider`, dialog: "provider" },
};

function NoRule() {
  const { model } = useApp();
  const examples = exampleRules(model.config.value.relays, model.modelGroups.value, model.model.value);
  return html`
    <div class="nothing rules-nothing">
      <p>${t`No rule yet: every request goes directly where that works, and over a relay that you allowed where it does not.`}</p>
      <p>${t`A rule says for which requests that shall be otherwise. Two to begin with:`}</p>
      <ul class="examples">${examples.map((example) => html`<${ExampleItem} key=${example.rule.id} example=${example} />`)}</ul>
    </div>`;
}

/** @param {{example: import("../../state/rule_examples.js").Example}} props */
function ExampleItem({ example: { rule, lacks } }) {
  const { model, actions } = useApp();
  const lacking = LACKING[lacks];
  const add = async () => {
    await actions.policies.saveRule(null, rule);
    focusHeading();
  };
  return html`
    <li class="card">
      <h2>${rule.name}</h2>
      <p class="rule-summary">${describeRule(rule, namesIn(model))}</p>
      ${lacking && html`<p class="facts">${lacking.text()}</p>`}
      <div class="card-actions">
        ${lacking
          ? html`<button type="button" onClick=${() => { model.dialog.value = { kind: lacking.dialog, id: null }; }}>
              ${lacking.button()}</button>`
          : html`<button type="button" aria-label=${t`Add this rule: “${rule.name}”`}
              onClick=${() => actions.reported(add())}>${t`Add this rule`}</button>`}
      </div>
    </li>`;
}

/** For when the button that had the focus is gone with what it stood at. */
function focusHeading() {
  /** @type {HTMLElement | null} */ (document.querySelector("#main h1"))?.focus();
}

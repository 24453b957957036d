// @ts-check
/**
 * @import { Rule, RuleOutcome } from "../../protocol.js"
 * @import { Trial } from "../../state/trials.js"
 */
import { useState } from "preact/hooks";
import { nameOfRule, describeAction, DAYS } from "../../state/rules.js";
import { GROUP, splitModel } from "../../state/models.js";
import { newTrial } from "../../state/trials.js";
import { Choices } from "../parts/choices.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { LinesInput, SelectInput, TextInput } from "../parts/inputs.js";
import { ModelSelect } from "../parts/model_inputs.js";
import { namesIn } from "./rule_names.js";

/** @type {Record<RuleOutcome["outcome"], () => string>} */
const WORDS = {
  decides: () => t`Decides`, matches: () => t`Matches, too late`, differs: () => t`Differs`, failed: () => t`Failed`, off: () => t`Off`,
  broken: () => t`Broken`,
};
const ANY_DAY = () => ({ value: "", name: t`Today` });
const HAVING = () => [
  { value: "image", name: t`An image` }, { value: "file", name: t`A file` }, { value: "tools", name: t`Tools` },
];

/**
 * What each rule says to a request made up for it. The answer goes as soon as what it rests on is changed.
 *
 * @param {object} props
 * @param {string} props.scope  tells this one's fields from another's on the page
 * @param {Rule[]} props.rules
 * @param {number | null} [props.edited]  the one that is being edited
 */
export function TryRules({ scope, rules, edited = null }) {
  const { model, actions } = useApp();
  const [trial, setTrial] = useState(newTrial);
  const [tried, setTried] = useState(/** @type {{of: string, found: Found | null} | null} */ (null));
  const asked = { ...trial, model: trial.model || modelToTry(model.model.value, model.modelGroups.value) };
  const subject = JSON.stringify([rules, asked]);
  const found = tried?.of === subject ? tried.found : null;

  async function run() {
    setTried({ of: subject, found: null });
    setTried({ of: subject, found: await actions.policies.tryRules(rules, asked) });
  }
  /** @param {KeyboardEvent} event */
  function onKeyDown(event) {
    // Around it may be a form that Enter would save.
    if (event.key !== "Enter" || /** @type {HTMLElement} */ (event.target).tagName !== "INPUT") return;
    event.preventDefault();
    void run();
  }
  if (!asked.model) return html`<p class="hint">${t`Add a provider first: rules are tried with one of its models.`}</p>`;
  return html`
    <div class="trial" onKeyDown=${onKeyDown}>
      <${TrialFields} scope=${scope} trial=${asked} onChange=${setTrial} />
      <button type="button" class="try" onClick=${run}>${t`Try`}</button>
      <div role="alert" aria-label=${t`What the rules say`}>
        ${tried?.of === subject && !found && html`<p class="waiting">${t`Trying…`}</p>`}
        ${found && "failure" in found && html`<p class="problem">${found.failure}</p>`}
        ${found && "outcomes" in found && html`<${Outcomes} outcomes=${found.outcomes} edited=${edited} />`}
      </div>
    </div>`;
}

/** @typedef {{outcomes: RuleOutcome[]} | {failure: string}} Found */

/** @param {{scope: string, trial: Trial, onChange: (trial: Trial) => void}} props */
function TrialFields({ scope, trial, onChange }) {
  /** @param {keyof Trial} field */
  const bind = (field) => ({
    name: `${scope}-${field}`, value: trial[field], problems: [],
    onChange: (/** @type {string} */ value) => onChange({ ...trial, [field]: value }),
  });
  const days = [ANY_DAY(), ...Object.entries(DAYS).map(([value, name]) => ({ value, name: name() }))];
  return html`
    <div class="pair">
      <${ModelSelect} ...${bind("model")} label=${t`Model asked for`} />
      <${LinesInput} ...${bind("text")} label=${t`Message to try`} />
    </div>
    <details class="advanced">
      <summary>${t`At another time, longer, with attachments or tools`}</summary>
      <div class="pair">
        <${TextInput} ...${bind("time")} label=${t`Time of day`} type="time" hint=${t`Now, if left empty.`} />
        <${SelectInput} ...${bind("day")} label=${t`Day`} options=${days} />
        <${TextInput} ...${bind("tokens")} label=${t`Tokens before this message`} inputmode="numeric" placeholder="0" />
        <${TextInput} ...${bind("tags")} label=${t`Tagged`} placeholder="draft" />
      </div>
      <${Choices} ...${bind("with")} label=${t`It has`} options=${HAVING()} />
    </details>`;
}

/** @param {{outcomes: RuleOutcome[], edited: number | null}} props */
function Outcomes({ outcomes, edited }) {
  const { model } = useApp();
  const names = namesIn(model);
  const isDecided = outcomes.some(({ outcome }) => outcome === "decides");
  return html`
    ${!isDecided && html`<p class="none-decides">${t`No rule decides: it goes as it would without rules.`}</p>`}
    <ol class="outcomes">
      ${outcomes.map(({ id, name, outcome, message, then }, position) => html`
        <li key=${position} data-outcome=${outcome}>
          <span class="pill outcome">${WORDS[outcome]()}</span>
          <div><strong>${nameOfRule({ id, name }, position)}</strong>${position === edited && ` ${t`(this rule)`}`}
            <p>${message}${then && ` ${t`Such requests ${describeAction(then, names)}.`}`}</p></div>
        </li>`)}
    </ol>`;
}

/**
 * @param {string} chosen
 * @param {import("../../state/models.js").ModelGroup[]} groups
 * @returns {string} the chosen model, or the first there is where that is a group: rules are looked at for single models
 */
function modelToTry(chosen, groups) {
  if (chosen && splitModel(chosen).provider !== GROUP) return chosen;
  const group = groups.find(({ models }) => models.length);
  return group ? `${group.id}/${group.models[0].id}` : "";
}

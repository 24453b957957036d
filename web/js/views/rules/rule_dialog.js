// @ts-check
/**
 * @import { ComponentChildren } from "preact"
 * @import { Problem } from "../../protocol.js"
 * @import { RuleDraft } from "../../state/rule_drafts.js"
 */
import { useRef, useState } from "preact/hooks";
import { problemsAtFields, rulesOf, withPolicy } from "../../state/policies.js";
import { RULE_FIELDS, draftOfRule, ruleFromDraft, splitList, toggled } from "../../state/rule_drafts.js";
import { DAYS } from "../../state/rules.js";
import { Choices } from "../parts/choices.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { OtherProblems } from "../parts/field.js";
import { FormFoot } from "../parts/form_foot.js";
import { html } from "../parts/html.js";
import { SelectInput, TextInput } from "../parts/inputs.js";
import { Modal } from "../parts/modal.js";
import { ModelInput } from "../parts/model_inputs.js";
import { PythonInput } from "./python_input.js";
import { useSaving } from "../parts/saving.js";
import { TryRules } from "./try_rules.js";

const KINDS = /** @type {const} */ ([["conditions", () => t`Conditions`], ["python", () => t`Python`]]);
const DAY_CHOICES = () => Object.entries(DAYS).map(([value, name]) => ({ value, name: name().slice(0, 3) }));
const ATTACHMENTS = () => [{ value: "image", name: t`An image` }, { value: "file", name: t`A file` }];
const TOOLS = () => [
  { value: "", name: t`With or without` }, { value: "yes", name: t`Only with tools` }, { value: "no", name: t`Only without tools` },
];
const POLICIES = () => [
  { value: "", name: t`As the provider is set` }, { value: "auto", name: t`Auto: direct first` },
  { value: "direct", name: t`Direct only` }, { value: "relay", name: t`Relay only` },
];
const STRATEGIES = () => [
  { value: "", name: t`As usual` }, { value: "order", name: t`In their order` }, { value: "balanced", name: t`By how they do` },
];
const CONDITION_FIELDS = RULE_FIELDS.filter((pointer) => pointer !== "/python");
const PYTHON_FIELDS = ["/name", "/python"];

/** @typedef {(pointer: string) => {name: string, value: string, problems: Problem[], onChange: (value: string) => void}} Bind */

/** @param {{position: number | null, close: () => void}} props */
export function RuleDialog({ position, close }) {
  const { model, actions } = useApp();
  const rules = rulesOf(model.config.value);
  const existing = position === null ? undefined : rules[position];
  const [draft, setDraft] = useState(() => draftOfRule(existing));
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const taken = rules.filter((_, place) => place !== position).flatMap((rule) => rule?.id ?? []);
  const rule = ruleFromDraft(draft, existing, taken);
  const shown = draft.kind === "python" ? PYTHON_FIELDS : CONDITION_FIELDS;

  const { saving, problems, save } = useSaving(form, async () => {
    const found = problemsAtFields(await actions.policies.saveRule(position, rule), shown);
    if (!found.length) close();
    return found;
  });
  /** @type {Bind} */
  const bind = (pointer) => ({
    name: pointer, value: draft.values[pointer], problems,
    onChange: (value) => setDraft((before) => ({ ...before, values: { ...before.values, [pointer]: value } })),
  });
  const tried = /** @type {import("../../protocol.js").Rule[]} */ (
    withPolicy(model.config.value, "rules", position, rule).rules);

  return html`
    <${Modal} title=${existing ? t`Edit rule` : t`Add a rule`} close=${close}>
      <form ref=${form} class="rule-form" onSubmit=${save} novalidate>
        <${TextInput} ...${bind("/name")} label=${t`Name`} placeholder=${t`Night over my relay`} />
        <${KindChoice} kind=${draft.kind} onChange=${(/** @type {RuleDraft["kind"]} */ kind) => setDraft({ ...draft, kind })} />
        ${draft.kind === "python"
          ? html`<${PythonPart} bind=${bind} />`
          : html`<${WhenPart} bind=${bind} /><${ThenPart} bind=${bind} />`}
        <${OtherProblems} problems=${problems} shown=${shown} />
        <${Part} title=${t`Try`} hint=${t`See what the rules say to a request. Nothing is sent, and nothing is saved.`}>
          <${TryRules} scope="try-rule" rules=${tried} edited=${position ?? tried.length - 1} />
        <//>
        <${FormFoot} saving=${saving} close=${close} />
      </form>
    <//>`;
}

/** @param {{kind: RuleDraft["kind"], onChange: (kind: RuleDraft["kind"]) => void}} props */
function KindChoice({ kind, onChange }) {
  return html`
    <fieldset class="kinds">
      <legend class="unseen">${t`Written as`}</legend>
      ${KINDS.map(([value, name]) => html`
        <label key=${value}>
          <input type="radio" name="kind" value=${value} checked=${kind === value} onChange=${() => onChange(value)} />
          <span>${name()}</span>
        </label>`)}
    </fieldset>`;
}

/** @param {{title: string, hint: string, children: ComponentChildren}} props */
function Part({ title, hint, children }) {
  return html`
    <fieldset class="part">
      <legend>${title}</legend>
      <p class="hint">${hint}</p>
      ${children}
    </fieldset>`;
}

/** @param {{bind: Bind}} props */
function WhenPart({ bind }) {
  return html`
    <${Part} title=${t`When`} hint=${t`All that you fill in must hold. With nothing filled in, the rule is for every request.`}>
      <${TextInput} ...${bind("/when/provider")} label=${t`Providers`} placeholder=${t`any`}
        hint=${html`<${ProviderHint} ...${bind("/when/provider")} />`} />
      <${TextInput} ...${bind("/when/model")} label=${t`Models`} placeholder=${t`any`}
        hint=${t`As the provider names them. * stands for anything: gpt-5*, *:free`} />
      <div class="pair">
        <${TextInput} ...${bind("/when/tokens/min")} label=${t`Tokens, at least`} inputmode="numeric" placeholder=${t`any`} />
        <${TextInput} ...${bind("/when/tokens/max")} label=${t`Tokens, at most`} inputmode="numeric" placeholder=${t`any`} />
        <${TextInput} ...${bind("/when/time/from")} label=${t`From`} placeholder="hh:mm" />
        <${TextInput} ...${bind("/when/time/to")} label=${t`Until`} placeholder="hh:mm" />
      </div>
      <${Choices} ...${bind("/when/time/days")} label=${t`Days`} options=${DAY_CHOICES()}
        hint=${t`By your clock. A night belongs to the day on which it begins.`} />
      <div class="pair">
        <${Choices} ...${bind("/when/attachments")} label=${t`Attachments`} options=${ATTACHMENTS()} />
        <${SelectInput} ...${bind("/when/has_tools")} label=${t`Tools`} options=${withCurrent(TOOLS(), bind("/when/has_tools").value)} />
      </div>
      <details class="advanced" open=${Boolean(bind("/when/tags").value)}>
        <summary>${t`Tags`}</summary>
        <${TextInput} ...${bind("/when/tags")} label=${t`One of these tags`} placeholder="draft"
          hint=${t`Only programs give tags to their requests.`} />
      </details>
    <//>`;
}

/** @param {{value: string, onChange: (value: string) => void}} props */
function ProviderHint({ value, onChange }) {
  const { model } = useApp();
  const chosen = splitList(value);
  return html`${t`Ids, with commas between them; * stands for anything.`}
    ${model.modelGroups.value.map(({ id, name }) => html` <button type="button" class="link" key=${id}
      aria-pressed=${chosen.includes(id)} title=${name} onClick=${() => onChange(toggled(value, id))}>${id}</button>`)}`;
}

/** @param {{bind: Bind}} props */
function ThenPart({ bind }) {
  const { model } = useApp();
  const relays = model.config.value.relays.map(({ id, name, url }) => ({ value: id, name: name || url }));
  const hasRelays = relays.length > 0 || bind("/then/relays").value !== "";
  const isOrdered = bind("/then/strategy").value !== "balanced";
  return html`
    <${Part} title=${t`Then`} hint=${t`What you leave as it is stays as it is without the rule.`}>
      <div class="pair">
        <${SelectInput} ...${bind("/then/policy")} label=${t`Way`} options=${withCurrent(POLICIES(), bind("/then/policy").value)} />
        <${SelectInput} ...${bind("/then/strategy")} label=${t`Several relays`}
          options=${withCurrent(STRATEGIES(), bind("/then/strategy").value)} />
      </div>
      ${hasRelays
        ? html`<${Choices} ...${bind("/then/relays")} label=${t`Only these relays`} options=${relays} isOrdered=${isOrdered} />`
        : html`<p class="hint">${t`There is no relay yet to choose.`}</p>`}
      <div class="pair">
        <${ModelInput} ...${bind("/then/model")} label=${t`Ask another model instead`} />
        <${TextInput} ...${bind("/then/timeout")} label=${t`Wait for an answer, in seconds`} inputmode="decimal" placeholder=${t`as usual`} />
      </div>
    <//>`;
}

/** @param {{bind: Bind}} props */
function PythonPart({ bind }) {
  return html`
    <${PythonInput} ...${bind("/python")} label=${t`Function`}
      hint=${t`Tab indents; press Escape and then Tab to leave the box.`} />
    <details class="advanced">
      <summary>${t`What the function sees and returns`}</summary>
      <dl class="reference">
        <dt><code>request[…]</code></dt>
        <dd><code>provider</code>, <code>model</code>, <code>estimated_tokens</code>, <code>attachments</code>,
          <code>has_tools</code>, <code>turn_count</code>, <code>tags</code></dd>
        <dt><code>context[…]</code></dt>
        <dd><code>hour</code>, <code>minute</code>, <code>weekday</code>, <code>routes</code>, <code>health</code>,
          <code>relays</code></dd>
        <dt>${t`It returns`}</dt>
        <dd>${t`None if the rule is not for this request, else a dict with any of policy, relays, strategy, timeout, model.`}</dd>
      </dl>
      <p class="hint">${t`It sees no word of the conversation and no key. Do not paste a rule that you do not understand.`}</p>
    </details>`;
}

/**
 * @param {{value: string, name: string}[]} options
 * @param {string} value
 * @returns {{value: string, name: string}[]} with what stands there now, even where it is none of them
 */
function withCurrent(options, value) {
  return options.some((option) => option.value === value) ? options : [...options, { value, name: value }];
}

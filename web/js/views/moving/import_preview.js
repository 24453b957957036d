// @ts-check
/**
 * @import { Change, Finding, ImportSource, MergeChoice } from "../../protocol.js"
 * @import { Preview } from "../../actions/moving.js"
 */
import { useState } from "preact/hooks";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { giving } from "../parts/inputs.js";
import { Told } from "../parts/told.js";

/** @type {Record<Change["kind"], () => string>} */
const KINDS = {
  provider: () => t`Providers`, relay: () => t`Relays`, consent: () => t`Who may see which key`, rule: () => t`Rules`,
  group: () => t`Model groups`, option: () => t`Options`,
};
/** @type {Record<Change["state"], () => string>} */
const STATES = { new: () => t`new`, same: () => t`the same as yours`, changed: () => t`differs`, conflict: () => t`in conflict` };
/** @type {Record<string, () => string>} */
const FIELDS = {
  key: () => t`key`, token: () => t`token`, base_url: () => t`address`, url: () => t`address`, name: () => t`name`,
  models: () => t`models`, headers: () => t`headers`, route: () => t`route`, kind: () => t`kind`, dialect: () => t`wire format`,
  auth: () => t`how the key is sent`, extras: () => t`what is kept beside`,
};

/** @param {{preview: Preview, source: ImportSource, close: () => void}} props */
export function ImportPreview({ preview: { imported, changes }, source, close }) {
  const { actions } = useApp();
  const [choices, setChoices] = useState(() => proposed(changes));
  const [isBusy, setBusy] = useState(false);
  const general = imported.findings.filter(({ item }) => !changes.some(({ key }) => key === item));
  const { providers = [], relays = [] } = imported.secrets;
  const withKey = new Set([...providers.map((id) => `provider/${id}`), ...relays.map((id) => `relay/${id}`)]);
  const apply = async () => {
    setBusy(true);
    await actions.reported(actions.moving.apply(source, choices).then(close));
    setBusy(false);
  };
  const isNothing = Object.values(choices).every((choice) => choice === "keep");
  return html`
    <div class="modal-body">
      <p>${t`This is ${imported.title}. Nothing is saved before you apply it.`}</p>
      ${(/** @type {Change["kind"][]} */ (Object.keys(KINDS))).map((kind) => {
        const rows = changes.filter((change) => change.kind === kind);
        return rows.length > 0 && html`
          <section class="import-kind" key=${kind} aria-label=${KINDS[kind]()}>
            <h3>${KINDS[kind]()}</h3>
            <ul>${rows.map((change) => html`
              <${Item} key=${change.key} change=${change} choice=${choices[change.key]}
                hasKey=${withKey.has(change.key)} findings=${imported.findings.filter(({ item }) => item === change.key)}
                choose=${(/** @type {MergeChoice} */ choice) => setChoices({ ...choices, [change.key]: choice })} />`)}</ul>
          </section>`;
      })}
      ${general.length > 0 && html`
        <details open><summary>${t`Also to know`}</summary><${Findings} findings=${general} /></details>`}
    </div>
    <footer>
      <button type="button" class="quiet" onClick=${close}>${t`Cancel`}</button>
      <button type="button" class="primary" disabled=${isBusy || isNothing} onClick=${apply}>${actions.moving.describe(choices)}</button>
    </footer>`;
}

/** @param {{change: Change, choice: MergeChoice, hasKey: boolean, findings: Finding[], choose: (choice: MergeChoice) => void}} props */
function Item({ change, choice, hasKey, findings, choose }) {
  const { name, state, kind, differences } = change;
  const label = t`What becomes of ${name}`;
  return html`
    <li class="import-item">
      <div class="import-head">
        <span class="import-name"><strong>${name}</strong>
          <span class="badge-text" data-kind=${state === "conflict" ? "none" : "direct"}>${STATES[state]()}</span>
          ${hasKey && html`<small>${t`with its key`}</small>`}</span>
        ${state !== "same" && html`
          <select aria-label=${label} value=${choice} onChange=${giving((value) => choose(/** @type {MergeChoice} */ (value)))}>
            ${optionsOf(change).map(({ value, text }) => html`<option key=${value} value=${value}>${text}</option>`)}
          </select>`}
      </div>
      ${differences.length > 0 && kind !== "option" && html`
        <p class="hint">${t`Differs in: ${differences.map((field) => FIELDS[field]?.() ?? field).join(", ")}.`}</p>`}
      <${Findings} findings=${findings} />
    </li>`;
}

/** @param {{findings: Finding[]}} props */
function Findings({ findings }) {
  if (!findings.length) return null;
  return html`<ul class="findings">${findings.map(({ kind, message }) => html`
    <li data-kind=${kind}><${Told} text=${message} /></li>`)}</ul>`;
}

/** @param {Change} change @returns {{value: MergeChoice, text: string}[]} */
function optionsOf({ state, kind }) {
  if (state === "new") return [{ value: "replace", text: t`Add` }, { value: "keep", text: t`Leave out` }];
  const both = ["provider", "relay", "rule", "group"].includes(kind) ? [{ value: /** @type {const} */ ("both"), text: t`Keep both` }] : [];
  return [{ value: "keep", text: t`Keep mine` }, { value: "replace", text: t`Replace mine` }, ...both];
}

/** @param {Change[]} changes @returns {Record<string, MergeChoice>} */
function proposed(changes) {
  return Object.fromEntries(changes.map(({ key, state, proposal }) => [key, state === "same" ? "keep" : proposal]));
}


// @ts-check
/**
 * @import { CatalogueEntry, Problem, Provider } from "../../protocol.js"
 * @import { Draft } from "../../state/provider_drafts.js"
 * @import { Custody } from "../../vaults.js"
 */
import { draftOf, readDraft } from "../../state/provider_drafts.js";
import { t } from "../../words.js";
import { useRef, useState } from "preact/hooks";
import { useApp } from "../parts/context.js";
import { OtherProblems } from "../parts/field.js";
import { FormFoot } from "../parts/form_foot.js";
import { html } from "../parts/html.js";
import { LinesInput, SelectInput, TextInput } from "../parts/inputs.js";
import { Modal } from "../parts/modal.js";
import { CustodyChoice, SecretField } from "../parts/secret_field.js";
import { useSaving } from "../parts/saving.js";
import { TrialPanel, useTrial } from "./trial_panel.js";

/** @type {Record<Provider["route"], {name: () => string, hint: () => string}>} */
const ROUTES = {
  auto: { name: () => t`Auto`, hint: () => t`Directly where the provider allows it, else through a relay that you allow.` },
  direct: { name: () => t`Direct only`, hint: () => t`The key goes to the provider and nowhere else.` },
  relay: { name: () => t`Relay only`, hint: () => t`Always through a relay that you allow.` },
};
/** The dialects' own names are not translated. */
const DIALECTS = [
  { value: "openai_chat", name: "OpenAI chat completions" }, { value: "openai_responses", name: "OpenAI responses" },
  { value: "anthropic", name: "Anthropic messages" }, { value: "gemini", name: "Gemini" },
];
const AUTH_FORMS = [
  { value: "bearer", name: "Authorization: Bearer …" }, { value: "x-api-key", name: "x-api-key: …" },
  { value: "api-key", name: "api-key: …" }, { value: "x-goog-api-key", name: "x-goog-api-key: …" },
];
const SHOWN_FIELDS = ["kind", "name", "base_url", "api_key", "route", "models", "headers", "dialect", "auth"];

/** @param {{id: string | null, preset?: string, close: () => void}} props  `preset` is the catalogue entry of a new one */
export function ProviderDialog(props) {
  const { model } = useApp();
  const title = props.id === null ? t`Add a provider` : t`Edit provider`;
  return html`
    <${Modal} title=${title} close=${props.close}>
      ${model.catalogue.value.length
        ? html`<${ProviderForm} ...${props} />`
        : html`<p class="quiet-text">${t`The list of providers is still loading…`}</p>`}
    <//>`;
}

/** @param {{id: string | null, preset?: string, close: () => void}} props */
function ProviderForm({ id, preset, close }) {
  const { model, actions } = useApp();
  const catalogue = model.catalogue.value;
  const existing = model.config.value.providers.find((provider) => provider.id === id);
  const [draft, setDraft] = useState(() => draftOf(catalogue, existing, preset));
  const [key, setKey] = useState("");
  const [custody, setCustody] = useState(
    /** @type {Custody} */ (model.custody.value.providers[id ?? ""] ?? model.keptBy.value));
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const entry = catalogue.find((candidate) => candidate.id === draft.kind);
  const isKept = id !== null && id in model.custody.value.providers;

  const { trial, start, stop } = useTrial();
  const { saving, problems, save, check } = useSaving(form, async () => {
    const read = readDraft(draft, existing);
    if (read.problems.length) return read.problems;
    const saved = await actions.settings.saveProvider(read.provider, key.trim(), custody);
    if (saved.problems.length) return saved.problems;
    actions.announceSavedProvider(saved.id, saved.notes);
    close();
    return [];
  });
  const test = () => check(async () => {
    const read = readDraft(draft, existing);
    return read.problems.length ? read.problems : start(read.provider, key.trim());
  });
  /** @param {Partial<Draft>} change */
  const change = (change) => setDraft({ ...draft, ...change });

  return html`
    <form ref=${form} onSubmit=${save} novalidate>
      <${KindInput} kind=${draft.kind} isFixed=${existing !== undefined} problems=${problems} onChange=${change} />
      <${TextInput} name="name" label=${t`Name`} value=${draft.name} problems=${problems}
        onChange=${(/** @type {string} */ name) => change({ name })} />
      <${TextInput} name="base_url" label=${t`Base URL`} value=${draft.base_url} problems=${problems} inputmode="url"
        placeholder=${entry?.base_url_hint || "https://…/v1"}
        hint=${otherAddresses(entry, (base_url) => change({ base_url }))}
        onChange=${(/** @type {string} */ base_url) => change({ base_url })} />
      <${SecretField} name="api_key" label=${t`API key`} value=${key} onChange=${setKey} isKept=${isKept}
        problems=${problems} hint=${entry && html`<${KeyHint} entry=${entry} />`} />
      <${CustodyChoice} legend=${t`Keep the key`} value=${custody} onChange=${setCustody} />
      <${SelectInput} name="route" label=${t`Route`} value=${draft.route} options=${Object.entries(ROUTES).map(([value, { name }]) => ({ value, name: name() }))} problems=${problems}
        hint=${ROUTES[draft.route].hint()} onChange=${(/** @type {Provider["route"]} */ route) => change({ route })} />
      <details class="advanced" open=${problems.some(({ field }) => ["headers", "dialect", "auth", "models"].includes(field))}>
        <summary>${t`More`}</summary>
        <${LinesInput} name="models" label=${t`Model ids, one a line`} value=${draft.models} problems=${problems}
          hint=${t`For models the provider does not list.`}
          onChange=${(/** @type {string} */ models) => change({ models })} />
        <${SelectInput} name="dialect" label=${t`Wire format`} value=${draft.dialect} problems=${problems}
          options=${[{ value: "", name: t`As the catalogue has it` }, ...DIALECTS]}
          hint=${t`What its addresses understand. Change it only for a server of your own.`}
          onChange=${(/** @type {string} */ dialect) => change({ dialect })} />
        <${SelectInput} name="auth" label=${t`How the key is sent`} value=${draft.auth} problems=${problems}
          options=${[{ value: "", name: t`As the catalogue has it` }, ...AUTH_FORMS]}
          onChange=${(/** @type {string} */ auth) => change({ auth })} />
        <${LinesInput} name="headers" label=${t`Headers, one a line as Name: value`} value=${draft.headers} problems=${problems}
          hint=${t`Sent with every direct call. Those that the browser or Sidestep sets itself are refused.`}
          onChange=${(/** @type {string} */ headers) => change({ headers })} />
      </details>
      <${TrialPanel} trial=${trial} stop=${stop} useRelays=${draft.route === "auto" ? () => change({ route: "relay" }) : undefined} />
      <${OtherProblems} problems=${problems} shown=${SHOWN_FIELDS} />
      <${FormFoot} saving=${saving} close=${close}>
        <button type="button" disabled=${saving || trial.state === "running"} onClick=${test}>${t`Test connection`}</button>
      <//>
    </form>`;
}

/**
 * @param {{kind: string, isFixed: boolean, problems: Problem[], onChange: (change: Partial<Draft>) => void}} props
 */
function KindInput({ kind, isFixed, problems, onChange }) {
  const { model } = useApp();
  const catalogue = model.catalogue.value;
  const entry = catalogue.find(({ id }) => id === kind);
  const options = catalogue.map(({ id, name }) => ({ value: id, name }));
  return html`
    <${SelectInput} name="kind" label=${t`Provider`} value=${kind} options=${options} disabled=${isFixed}
      problems=${problems} hint=${entry && [priorOf(entry), ...entry.notes].join(" ")}
      onChange=${(/** @type {string} */ chosen) => onChange(chosenKind(catalogue, chosen))} />
    ${entry?.warning && html`<p class="notice">${entry.warning}</p>`}`;
}

/** @param {CatalogueEntry} entry */
function priorOf({ id, cors: { verdict, date } }) {
  if (id === "custom") return "";
  if (verdict === "open") return date ? t`Answered browsers when last seen (${date}).` : t`Answers browsers, as far as is known.`;
  if (verdict === "blocked") {
    return date ? t`Answered no browser when last seen (${date}); a relay takes over by itself.`
      : t`Answers no browser, as far as is known; a relay takes over by itself.`;
  }
  return t`Whether it answers browsers will be found out.`;
}

/**
 * @param {CatalogueEntry | undefined} entry
 * @param {(address: string) => void} choose
 */
function otherAddresses(entry, choose) {
  const others = Object.entries(entry?.alternatives ?? {});
  if (!others.length) return null;
  return html`${t`Other addresses:`} ${others.map(([name, address]) => html`
    <button type="button" class="link" key=${address} onClick=${() => choose(address)}>${name}</button> `)}`;
}

/** @param {{entry: CatalogueEntry}} props */
function KeyHint({ entry }) {
  if (!entry.key_url) return entry.key_required ? null : t`Leave it empty if the service needs none.`;
  return html`<a href=${entry.key_url} target="_blank" rel="noopener noreferrer">${t`Get a key from ${entry.name}`}</a>`;
}

/**
 * @param {CatalogueEntry[]} catalogue
 * @param {string} kind
 */
function chosenKind(catalogue, kind) {
  const { name, base_url } = draftOf(catalogue, undefined, kind);
  return { kind, name, base_url };
}

// @ts-check
/**
 * @import { CatalogueEntry, Problem, Provider } from "../../protocol.js"
 * @import { Custody } from "../../store.js"
 */
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

const ROUTES = [
  { value: "auto", name: "Auto" },
  { value: "direct", name: "Direct only" },
  { value: "relay", name: "Relay only" },
];
const ROUTE_HINTS = {
  auto: "Directly where the provider allows it, else through a relay that you allow.",
  direct: "The key goes to the provider and nowhere else.",
  relay: "Always through a relay that you allow.",
};
const SHOWN_FIELDS = ["kind", "name", "base_url", "api_key", "route", "models"];

/** @typedef {{kind: string, name: string, base_url: string, route: Provider["route"], models: string}} Draft */

/**
 * @param {CatalogueEntry[]} catalogue
 * @param {Provider | undefined} existing
 * @returns {Draft}
 */
function draftOf(catalogue, existing) {
  const entry = catalogue.find(({ id }) => id === (existing?.kind ?? catalogue[0]?.id));
  return {
    kind: entry?.id ?? "",
    name: existing?.name || entry?.name || "",
    base_url: existing?.base_url || entry?.base_url || "",
    route: existing?.route ?? "auto",
    models: (existing?.models ?? []).join("\n"),
  };
}

/** @param {{id: string | null, close: () => void}} props */
export function ProviderDialog(props) {
  const { model } = useApp();
  const title = props.id === null ? "Add a provider" : "Edit provider";
  return html`
    <${Modal} title=${title} close=${props.close}>
      ${model.catalogue.value.length
        ? html`<${ProviderForm} ...${props} />`
        : html`<p class="quiet-text">The list of providers is still loading…</p>`}
    <//>`;
}

/** @param {{id: string | null, close: () => void}} props */
function ProviderForm({ id, close }) {
  const { model, actions } = useApp();
  const catalogue = model.catalogue.value;
  const existing = model.config.value.providers.find((provider) => provider.id === id);
  const [draft, setDraft] = useState(() => draftOf(catalogue, existing));
  const [key, setKey] = useState("");
  const [custody, setCustody] = useState(
    /** @type {Custody} */ (model.custody.value.providers[id ?? ""] ?? model.keptBy.value));
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const entry = catalogue.find((candidate) => candidate.id === draft.kind);
  const isKept = id !== null && id in model.custody.value.providers;

  const { saving, problems, save } = useSaving(form, async () => {
    const saved = await actions.settings.saveProvider(toProvider(draft, existing), key.trim(), custody);
    if (saved.problems.length) return saved.problems;
    actions.announceSavedProvider(saved.id, saved.notes);
    close();
    return [];
  });
  /** @param {Partial<Draft>} change */
  const change = (change) => setDraft({ ...draft, ...change });

  return html`
    <form ref=${form} onSubmit=${save} novalidate>
      <${KindInput} kind=${draft.kind} isFixed=${existing !== undefined} problems=${problems} onChange=${change} />
      <${TextInput} name="name" label="Name" value=${draft.name} problems=${problems}
        onChange=${(/** @type {string} */ name) => change({ name })} />
      <${TextInput} name="base_url" label="Base URL" value=${draft.base_url} problems=${problems} inputmode="url"
        placeholder=${entry?.base_url_hint || "https://…/v1"}
        hint=${otherAddresses(entry, (base_url) => change({ base_url }))}
        onChange=${(/** @type {string} */ base_url) => change({ base_url })} />
      <${SecretField} name="api_key" label="API key" value=${key} onChange=${setKey} isKept=${isKept}
        problems=${problems} hint=${entry && html`<${KeyHint} entry=${entry} />`} />
      <${CustodyChoice} legend=${t`Keep the key`} value=${custody} onChange=${setCustody} />
      <${SelectInput} name="route" label="Route" value=${draft.route} options=${ROUTES} problems=${problems}
        hint=${ROUTE_HINTS[draft.route]} onChange=${(/** @type {Provider["route"]} */ route) => change({ route })} />
      <details class="advanced">
        <summary>More models</summary>
        <${LinesInput} name="models" label="Model ids, one a line" value=${draft.models} problems=${problems}
          hint="For models the provider does not list."
          onChange=${(/** @type {string} */ models) => change({ models })} />
      </details>
      <${OtherProblems} problems=${problems} shown=${SHOWN_FIELDS} />
      <${FormFoot} saving=${saving} close=${close} />
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
    <${SelectInput} name="kind" label="Provider" value=${kind} options=${options} disabled=${isFixed}
      problems=${problems} hint=${entry && [priorOf(entry), ...entry.notes].join(" ")}
      onChange=${(/** @type {string} */ chosen) => onChange(chosenKind(catalogue, chosen))} />
    ${entry?.warning && html`<p class="notice">${entry.warning}</p>`}`;
}

/** @param {CatalogueEntry} entry */
function priorOf({ id, cors: { verdict, date } }) {
  if (id === "custom") return "";
  const seen = date ? `when last seen (${date})` : "as far as is known";
  if (verdict === "open") return `Answered browsers ${seen}.`;
  if (verdict === "blocked") return `Answered no browser ${seen}; a relay takes over by itself.`;
  return "Whether it answers browsers will be found out.";
}

/**
 * @param {CatalogueEntry | undefined} entry
 * @param {(address: string) => void} choose
 */
function otherAddresses(entry, choose) {
  const others = Object.entries(entry?.alternatives ?? {});
  if (!others.length) return null;
  return html`Other addresses: ${others.map(([name, address]) => html`
    <button type="button" class="link" key=${address} onClick=${() => choose(address)}>${name}</button> `)}`;
}

/** @param {{entry: CatalogueEntry}} props */
function KeyHint({ entry }) {
  if (!entry.key_url) return entry.key_required ? null : "Leave it empty if the service needs none.";
  return html`<a href=${entry.key_url} target="_blank" rel="noopener noreferrer">Get a key from ${entry.name}</a>`;
}

/**
 * @param {CatalogueEntry[]} catalogue
 * @param {string} kind
 */
function chosenKind(catalogue, kind) {
  const { name, base_url } = draftOf(catalogue.filter(({ id }) => id === kind), undefined);
  return { kind, name, base_url };
}

/**
 * @param {Draft} draft
 * @param {Provider | undefined} existing
 * @returns {Provider}
 */
function toProvider(draft, existing) {
  return {
    id: existing?.id ?? "",
    kind: draft.kind,
    name: draft.name.trim(),
    base_url: draft.base_url.trim(),
    dialect: existing?.dialect ?? "",
    headers: existing?.headers ?? {},
    route: draft.route,
    models: draft.models.split("\n").map((line) => line.trim()).filter(Boolean),
  };
}

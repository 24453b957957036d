// @ts-check
/** @import { CatalogueEntry } from "../../protocol.js" */
import { useState } from "preact/hooks";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";

/** Every provider that is known, to be added with a click. */
export function CatalogueCards() {
  const { model } = useApp();
  const [sought, setSought] = useState("");
  const catalogue = model.catalogue.value;
  if (!catalogue.length) return null;
  const shown = catalogue.filter(({ name, id }) => `${name} ${id}`.toLowerCase().includes(sought.trim().toLowerCase()));
  return html`
    <section class="catalogue" aria-labelledby="catalogue-title">
      <div class="catalogue-head">
        <h2 id="catalogue-title">${t`What can be added`}</h2>
        <input type="search" aria-label=${t`Search the providers`} placeholder=${t`Search the providers`} value=${sought}
          onInput=${(/** @type {Event} */ event) => setSought(/** @type {HTMLInputElement} */ (event.target).value)} />
      </div>
      <ul class="catalogue-cards">
        ${shown.map((entry) => html`<${CatalogueCard} key=${entry.id} entry=${entry} />`)}
      </ul>
      ${!shown.length && html`<p class="hint">${t`None of that name. “Custom” takes any address that speaks OpenAI's chat completions.`}</p>`}
    </section>`;
}

/** @type {Record<CatalogueEntry["cors"]["verdict"], () => string>} */
const WAYS = { open: () => t`answers pages`, blocked: () => t`needs a relay`, unknown: () => t`to be found out` };

/** @param {{entry: CatalogueEntry}} props */
function CatalogueCard({ entry: { id, name, cors, key_required: needsKey } }) {
  const { model } = useApp();
  return html`
    <li>
      <button type="button" class="catalogue-card" onClick=${() => { model.dialog.value = { kind: "provider", id: null, preset: id }; }}>
        <span class="catalogue-name">${name}</span>
        <span class="catalogue-facts">${WAYS[cors.verdict]()} · ${needsKey ? t`with a key` : t`no key needed`}</span>
      </button>
    </li>`;
}

// @ts-check
/** @import { Model } from "../../protocol.js" */
import { useState } from "preact/hooks";
import { providerName } from "../../state/models.js";
import { formatMoment, t, tn } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { StarIcon } from "../parts/icons.js";
import { Modal } from "../parts/modal.js";

/** Drawn at first; who looks for another one searches. */
const MOST_DRAWN = 150;

/** A provider's models: looked up anew, and marked as favourites. @param {{id: string, close: () => void}} props */
export function ModelsDialog({ id, close }) {
  const { model, actions } = useApp();
  const [sought, setSought] = useState("");
  const [state, setState] = useState(/** @type {"" | "loading" | "failed"} */ (""));
  const models = model.modelGroups.value.find((group) => group.id === id)?.models ?? [];
  const words = sought.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = models.filter((one) => words.every((word) => `${one.id} ${one.name}`.toLowerCase().includes(word)));
  const fetched = model.models.value[id]?.fetched_at;
  const refresh = async () => {
    setState("loading");
    setState(await actions.models.reloadModels(id) ? "" : "failed");
  };
  return html`
    <${Modal} title=${t`Models of ${providerName(model.modelGroups.value, id)}`} close=${close}>
      <div class="modal-body">
        <p class="facts">${fetched ? t`Looked up ${formatMoment(fetched * 1000)}.` : t`From the catalogue; not looked up yet.`}
          ${" "}<button type="button" class="link" disabled=${state === "loading"} onClick=${refresh}>
            ${state === "loading" ? t`Looking up…` : t`Look up again`}</button></p>
        ${state === "failed" && html`<p class="problem">${t`The provider did not give its list. Test the connection to see why.`}</p>`}
        <input type="search" aria-label=${t`Search the models`} placeholder=${t`Search the models`} value=${sought}
          onInput=${(/** @type {Event} */ event) => setSought(/** @type {HTMLInputElement} */ (event.target).value)} />
        <p class="hint" aria-live="polite">${tn(shown.length, "{0} model", "{0} models")}</p>
        <ul class="model-list">
          ${shown.slice(0, MOST_DRAWN).map((one) => html`<${ModelRow} key=${one.id} provider=${id} model=${one} close=${close} />`)}
        </ul>
        ${shown.length > MOST_DRAWN && html`<p class="hint">${t`Add a word to find the others.`}</p>`}
        <p class="hint">${t`A model that the list lacks is added by its id under “Edit”, or typed in the chat.`}</p>
      </div>
      <footer><button type="button" class="primary" onClick=${close}>${t`Close`}</button></footer>
    <//>`;
}

/** @param {{provider: string, model: Model, close: () => void}} props */
function ModelRow({ provider, model: { id, name }, close }) {
  const { model, actions } = useApp();
  const value = `${provider}/${id}`;
  const isFavourite = model.favourites.value.includes(value);
  return html`
    <li>
      <button type="button" class="quiet square star" aria-pressed=${isFavourite} aria-label=${t`Favourite: ${shortened(name || id)}`}
        onClick=${() => actions.models.toggleFavourite(value)}><${StarIcon} /></button>
      <button type="button" class="link model-name" title=${id} onClick=${() => {
        actions.models.chooseModel(value);
        location.hash = "#chat";
        close();
      }}>${shortened(name || id)}</button>
    </li>`;
}

const LONGEST_NAME = 120;

/** @param {string} name */
function shortened(name) {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name;
}

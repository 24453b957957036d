// @ts-check
/** @import { Offer } from "../../protocol.js" */
import { useEffect, useState } from "preact/hooks";
import { parameterName, withParameter } from "../../state/parameters.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { TuneIcon } from "../parts/icons.js";
import { Modal } from "../parts/modal.js";
import { ParameterInput } from "./parameter_input.js";

export function ChatSettingsButton() {
  const { model } = useApp();
  const { system, parameters } = model.conversation.value ?? model.beginning.value;
  const isSet = Boolean(system.trim()) || Object.keys(parameters).length > 0;
  return html`
    <button type="button" class="quiet square ${isSet ? "is-set" : ""}" title=${t`System prompt and parameters`}
      aria-label=${isSet ? t`System prompt and parameters: set` : t`System prompt and parameters`}
      onClick=${() => { model.dialog.value = { kind: "chat" }; }}><${TuneIcon} /></button>`;
}

/** What holds for all of one chat. Every change is kept at once. @param {{close: () => void}} props */
export function ChatSettingsDialog({ close }) {
  const { model, actions } = useApp();
  const { system, parameters } = model.conversation.value ?? model.beginning.value;
  const offers = useOffers(model.model.value, parameters);
  return html`
    <${Modal} title=${t`This chat`} close=${close}>
      <form class="modal-body chat-settings" onSubmit=${(/** @type {Event} */ event) => {
        event.preventDefault();
        close();
      }}>
        <div class="field">
          <label for="system-prompt">${t`System prompt`}</label>
          <textarea id="system-prompt" rows="5" dir="auto" value=${system} aria-describedby="system-hint"
            onInput=${(/** @type {Event} */ event) => actions.conversations.setUp(
              { system: /** @type {HTMLTextAreaElement} */ (event.target).value })}></textarea>
          <p class="hint" id="system-hint">${t`Said to the model before everything else, in this chat only.`}</p>
        </div>
        <${Parameters} offers=${offers} parameters=${parameters} />
        <footer><button type="submit" class="primary">${t`Done`}</button></footer>
      </form>
    <//>`;
}

/** @param {{offers: Offer[] | null, parameters: Record<string, unknown>}} props */
function Parameters({ offers, parameters }) {
  const { model, actions } = useApp();
  if (!model.model.value) return html`<p class="hint">${t`Choose a model to see which parameters it takes.`}</p>`;
  if (!offers) return html`<p class="hint">${t`Looking up what the model takes…`}</p>`;
  const idle = Object.keys(parameters).filter((name) => !offers.some((offer) => offer.name === name));
  /** @param {string} name @param {unknown} value */
  const set = (name, value) => actions.conversations.setUp({ parameters: withParameter(parameters, name, value) });
  return html`
    <fieldset class="parameters">
      <legend>${t`Parameters that ${model.model.value} takes`}</legend>
      ${offers.map((offer) => html`
        <${ParameterInput} key=${offer.name} offer=${offer} value=${parameters[offer.name]}
          onChange=${(/** @type {unknown} */ value) => set(offer.name, value)} />`)}
      ${!offers.length && html`<p class="hint">${t`None that can be chosen.`}</p>`}
    </fieldset>
    ${idle.length > 0 && html`
      <p class="hint">${t`Kept for other models, and not sent to this one: ${idle.map(parameterName).join(", ")}.`}</p>`}
    ${Object.keys(parameters).length > 0 && html`
      <button type="button" onClick=${() => actions.conversations.setUp({ parameters: {} })}>
        ${t`Back to the provider's defaults`}</button>`}`;
}

/**
 * @param {string} name  `provider-id/model-id`
 * @param {Record<string, unknown>} parameters  some models take less beside others
 * @returns {Offer[] | null} null while nobody knows
 */
function useOffers(name, parameters) {
  const { actions } = useApp();
  const [offers, setOffers] = useState(/** @type {Offer[] | null} */ (null));
  const chosen = JSON.stringify(parameters);
  useEffect(() => {
    let isWanted = Boolean(name);
    if (isWanted) void actions.models.listOffers(name, parameters).then((found) => { if (isWanted) setOffers(found); });
    return () => { isWanted = false; };
  }, [name, chosen]);
  return offers;
}

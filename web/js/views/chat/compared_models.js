// @ts-check
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { CloseIcon, CompareIcon } from "../parts/icons.js";
import { ModelBox } from "./model_box.js";

/** Answers of more models than these side by side could not be read. */
const MOST = 2;

export function CompareButton() {
  const { model, actions } = useApp();
  const isFull = model.comparedModels.value.length >= MOST;
  return html`
    <button type="button" class="quiet square" aria-label=${t`Compare with another model`} disabled=${isFull}
      title=${t`Compare with another model`} onClick=${actions.models.addCompared}><${CompareIcon} /></button>`;
}

export function ComparedModels() {
  const { model, actions } = useApp();
  const compared = model.comparedModels.value;
  if (!compared.length) return null;
  return html`
    <ul class="compared-models" aria-label=${t`Models asked beside it`}>
      <li class="hint">${t`Also asked:`}</li>
      ${compared.map((name, position) => html`
        <li key=${position}>
          <${ModelBox} label=${position ? t`Third model` : t`Second model`} name="compared-${position}" value=${name}
            choose=${(/** @type {string} */ chosen) => actions.models.chooseCompared(position, chosen)} />
          <button type="button" class="quiet square" aria-label=${t`Do not ask ${name}`}
            onClick=${() => actions.models.removeCompared(position)}><${CloseIcon} /></button>
        </li>`)}
    </ul>`;
}

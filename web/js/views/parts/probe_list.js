// @ts-check
import { formatDuration, t } from "../../words.js";
import { html } from "./html.js";
import { CheckIcon, CrossIcon, QuestionIcon } from "./icons.js";
import { Told } from "./told.js";

/**
 * @typedef {object} ListedProbe
 * @property {string} layer
 * @property {boolean | null} is_good  null where it says nothing either way
 * @property {string} text
 * @property {number | null} [ms]
 */

/** @param {{probes: ListedProbe[], names: Record<string, () => string>}} props  `names` are those of the layers */
export function ProbeList({ probes, names }) {
  return html`
    <ol class="probes">
      ${probes.map(({ layer, is_good: isGood, text, ms = null }) => html`
        <li key=${layer} data-good=${isGood}>
          ${isGood === null ? html`<${QuestionIcon} />` : isGood ? html`<${CheckIcon} />` : html`<${CrossIcon} />`}
          <div><strong>${names[layer]()}</strong><span class="unseen">${judgement(isGood)}</span>
            ${" "}<${Told} text=${text} />${ms !== null && html` <span class="trial-time">${formatDuration(ms)}</span>`}</div>
        </li>`)}
    </ol>`;
}

/** @param {boolean | null} isGood */
function judgement(isGood) {
  if (isGood === null) return t`: open.`;
  return isGood ? t`: good.` : t`: not good.`;
}

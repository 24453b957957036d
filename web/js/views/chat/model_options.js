// @ts-check
/**
 * @import { Model } from "../../protocol.js"
 * @import { ModelOption } from "../../state/models.js"
 */
import { formatMoney, formatNumber, t, tn } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";

/** Drawn at once; who looks for another one types, as nobody scrolls through hundreds. */
const MOST_DRAWN = 200;

/**
 * @param {string} box
 * @param {number} position
 */
export function optionId(box, position) {
  return `${box}-option-${position}`;
}

/**
 * @param {{box: string, options: ModelOption[], active: number, chosen: string,
 *   choose: (option: ModelOption) => void}} props
 */
export function ModelOptions({ box, options, active, chosen, choose }) {
  const { model } = useApp();
  if (!options.length) return html`<p class="no-option">${nothingToChoose(model.config.value.providers.length > 0)}</p>`;
  const start = Math.max(0, Math.min(active - MOST_DRAWN / 2, options.length - MOST_DRAWN));
  const drawn = options.slice(start, start + MOST_DRAWN).map((option, position) => ({ option, position: start + position }));
  const groups = [...new Set(drawn.map(({ option }) => option.group))];
  const left = options.length - drawn.length;
  return html`
    ${groups.map((group) => html`
      <div role="group" aria-label=${group} key=${group}>
        <div class="option-group" aria-hidden="true">${group}</div>
        ${drawn.filter(({ option }) => option.group === group).map(({ option, position }) => html`
          <div role="option" key=${option.value} id=${optionId(box, position)} aria-selected=${option.value === chosen}
            aria-posinset=${position + 1} aria-setsize=${options.length} title=${option.value}
            class=${position === active ? "active" : ""} onMouseDown=${(/** @type {MouseEvent} */ event) => {
              // Before the box loses the focus and closes the list under the pointer.
              event.preventDefault();
              choose(option);
            }}>
            <span class="option-name">${option.label}</span>
            ${option.model && html`<${Abilities} model=${option.model} />`}
          </div>`)}
      </div>`)}
    ${left > 0 && html`
      <p class="no-option">${tn(left, "{0} more. Type to find it.", "{0} more. Type to find them.")}</p>`}`;
}

/** @param {{model: Model}} props */
function Abilities({ model: { has_vision: sees, has_tools: uses, has_reasoning: thinks, context_length: context,
  input_price: input, output_price: output } }) {
  const badges = [sees && t`images`, uses && t`tools`, thinks && t`reasoning`].filter(Boolean);
  const figures = [
    context && t`${formatNumber(context, { notation: "compact" })} context`,
    // Prices are of a million tokens, as every provider's own list has them.
    input != null && output != null && t`${formatMoney(input)} in, ${formatMoney(output)} out`,
  ].filter(Boolean);
  if (!badges.length && !figures.length) return null;
  return html`
    <span class="abilities">
      ${badges.map((badge) => html`<span class="ability">${badge}</span>`)}
      ${figures.length > 0 && html`<span class="ability-figures" title=${t`Prices are for a million tokens`}>
        ${figures.join(" · ")}</span>`}
    </span>`;
}

/** @param {boolean} hasProviders */
function nothingToChoose(hasProviders) {
  return hasProviders ? t`No model like this. Type its id.` : t`Add a provider first: its models appear here.`;
}

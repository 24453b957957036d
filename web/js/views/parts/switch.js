// @ts-check
import { html } from "./html.js";

/**
 * @param {object} props
 * @param {boolean} props.checked
 * @param {(checked: boolean) => void} props.onChange
 * @param {string} [props.label]  for a switch whose label is not beside it
 * @param {string} [props.id]
 */
export function Switch({ checked, onChange, label, id }) {
  return html`
    <input type="checkbox" role="switch" class="switch" id=${id} aria-label=${label} checked=${checked}
      onChange=${(/** @type {Event} */ event) => onChange(/** @type {HTMLInputElement} */ (event.target).checked)} />`;
}

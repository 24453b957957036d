// @ts-check
/**
 * @import { ComponentChildren } from "preact"
 * @import { Problem } from "../../protocol.js"
 */
import { Field } from "./field.js";
import { html } from "./html.js";

/**
 * @typedef {object} InputProps
 * @property {string} name  the field's name in the protocol
 * @property {string} label
 * @property {string} value
 * @property {(value: string) => void} onChange
 * @property {Problem[]} [problems]
 * @property {ComponentChildren} [hint]
 */

/** @param {InputProps & {placeholder?: string, inputmode?: string}} props */
export function TextInput({ name, label, value, onChange, problems, hint, ...more }) {
  return html`
    <${Field} name=${name} label=${label} problems=${problems} hint=${hint}>
      ${(/** @type {object} */ field) => html`
        <input ...${field} ...${more} value=${value} autocomplete="off" spellcheck=${false} onInput=${giving(onChange)} />`}
    <//>`;
}

/** @param {InputProps} props */
export function LinesInput({ name, label, value, onChange, problems, hint }) {
  return html`
    <${Field} name=${name} label=${label} problems=${problems} hint=${hint}>
      ${(/** @type {object} */ field) => html`
        <textarea ...${field} rows="3" spellcheck=${false} value=${value} onInput=${giving(onChange)}></textarea>`}
    <//>`;
}

/** @param {InputProps & {options: {value: string, name: string}[], disabled?: boolean}} props */
export function SelectInput({ name, label, value, onChange, problems, hint, options, disabled = false }) {
  return html`
    <${Field} name=${name} label=${label} problems=${problems} hint=${hint}>
      ${(/** @type {object} */ field) => html`
        <select ...${field} value=${value} disabled=${disabled} onChange=${giving(onChange)}>
          ${options.map((option) => html`<option key=${option.value} value=${option.value}>${option.name}</option>`)}
        </select>`}
    <//>`;
}

/**
 * @param {(value: string) => void} take
 * @returns {(event: Event) => void}
 */
export function giving(take) {
  return (event) => take(/** @type {HTMLInputElement} */ (event.target).value);
}

// @ts-check
/**
 * @import { ComponentChildren } from "preact"
 * @import { Problem } from "../../protocol.js"
 * @import { Custody } from "../../store.js"
 */
import { useState } from "preact/hooks";
import { Field } from "./field.js";
import { html } from "./html.js";
import { giving } from "./inputs.js";

/**
 * A key or token: hidden unless asked for, and never filled in with the one already kept.
 *
 * @param {object} props
 * @param {string} props.name
 * @param {string} props.label
 * @param {string} props.value
 * @param {(value: string) => void} props.onChange
 * @param {boolean} props.isKept
 * @param {Problem[]} props.problems
 * @param {ComponentChildren} [props.hint]
 */
export function SecretField({ name, label, value, onChange, isKept, problems, hint }) {
  const [isShown, setShown] = useState(false);
  return html`
    <${Field} name=${name} label=${label} problems=${problems} hint=${hint}>
      ${(/** @type {object} */ field) => html`
        <div class="secret">
          <input ...${field} type=${isShown ? "text" : "password"} value=${value} autocomplete="off" spellcheck=${false}
            autocapitalize="off" placeholder=${isKept ? "Kept. Leave empty to keep it" : ""}
            onInput=${giving(onChange)} />
          <button type="button" aria-pressed=${isShown} aria-label=${`Show ${label}`}
            onClick=${() => setShown(!isShown)}>${isShown ? "Hide" : "Show"}</button>
        </div>`}
    <//>`;
}

/**
 * @param {{what: string, value: Custody, onChange: (custody: Custody) => void}} props
 */
export function CustodyChoice({ what, value, onChange }) {
  /** @type {{custody: Custody, name: string, meaning: string}[]} */
  const choices = [
    { custody: "device", name: "On this device", meaning: "encrypted in this browser's storage" },
    { custody: "session", name: "For this session", meaning: "gone when the tab closes" },
  ];
  return html`
    <fieldset class="custody">
      <legend>Keep the ${what}</legend>
      ${choices.map(({ custody, name, meaning }) => html`
        <label key=${custody}>
          <input type="radio" name="custody" value=${custody} checked=${value === custody}
            onChange=${() => onChange(custody)} />
          <span>${name} <small>${meaning}</small></span>
        </label>`)}
    </fieldset>`;
}

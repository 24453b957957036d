// @ts-check
/**
 * @import { ComponentChildren } from "preact"
 * @import { Problem } from "../../protocol.js"
 * @import { Custody } from "../../vaults.js"
 */
import { useState } from "preact/hooks";
import { CUSTODIES, custodyMeaning, custodyName } from "../../state/custodies.js";
import { t } from "../../words.js";
import { useApp } from "./context.js";
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
            autocapitalize="off" placeholder=${isKept ? t`Kept. Leave empty to keep it` : ""}
            onInput=${giving(onChange)} />
          <button type="button" aria-pressed=${isShown} aria-label=${t`Show ${label}`}
            onClick=${() => setShown(!isShown)}>${isShown ? t`Hide` : t`Show`}</button>
        </div>`}
    <//>`;
}

/**
 * @param {{legend: string, value: Custody, onChange: (custody: Custody) => void}} props
 */
export function CustodyChoice({ legend, value, onChange }) {
  const { model } = useApp();
  // Under a passphrase only where one is set and said.
  const offered = CUSTODIES.filter((custody) => custody !== "passphrase" || model.vault.value === "open").toReversed();
  return html`
    <fieldset class="custody">
      <legend>${legend}</legend>
      ${offered.map((custody) => html`
        <label key=${custody}>
          <input type="radio" name="custody" value=${custody} checked=${value === custody}
            onChange=${() => onChange(custody)} />
          <span>${custodyName(custody)} <small>${custodyMeaning(custody)}</small></span>
        </label>`)}
    </fieldset>`;
}

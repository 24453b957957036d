// @ts-check
import { t } from "../../words.js";
import { html } from "./html.js";
import { SecretField } from "./secret_field.js";

/** @typedef {{passphrase: string, repeated: string}} TypedPassphrase */

/**
 * A passphrase for a file, typed twice: nobody can help whoever mistypes it.
 *
 * @param {object} props
 * @param {TypedPassphrase} props.typed
 * @param {(typed: TypedPassphrase) => void} props.onChange
 * @param {string} props.problem
 */
export function NewPassphrase({ typed, onChange, problem }) {
  const problems = problem ? [{ item: "", field: "file-passphrase", message: problem }] : [];
  return html`
    <${SecretField} name="file-passphrase" label=${t`Passphrase`} value=${typed.passphrase} isKept=${false} problems=${problems}
      onChange=${(/** @type {string} */ passphrase) => onChange({ ...typed, passphrase })} />
    <${SecretField} name="file-repeated" label=${t`Once more`} value=${typed.repeated} isKept=${false} problems=${[]}
      onChange=${(/** @type {string} */ repeated) => onChange({ ...typed, repeated })} />`;
}

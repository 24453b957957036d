// @ts-check
/** @import { ComponentChildren } from "preact" */
import { useState } from "preact/hooks";
import { passphraseProblem } from "../../state/custodies.js";
import { t } from "../../words.js";
import { html } from "./html.js";
import { SecretField } from "./secret_field.js";

/** @typedef {{passphrase: string, repeated: string}} TypedPassphrase */

/** @returns {{fields: object, take: () => string | null}} `take` says what is wrong in the fields, and returns null then */
export function useNewPassphrase() {
  const [typed, setTyped] = useState({ passphrase: "", repeated: "" });
  const [problem, setProblem] = useState("");
  const take = () => {
    const wrong = passphraseProblem(typed.passphrase, typed.repeated);
    setProblem(wrong);
    return wrong ? null : typed.passphrase;
  };
  return { fields: { typed, onChange: setTyped, problem }, take };
}

/**
 * Typed twice: nobody can help whoever mistypes it.
 *
 * @param {object} props
 * @param {string} props.label
 * @param {ComponentChildren} [props.hint]
 * @param {TypedPassphrase} props.typed
 * @param {(typed: TypedPassphrase) => void} props.onChange
 * @param {string} props.problem
 */
export function NewPassphrase({ label, hint, typed, onChange, problem }) {
  const problems = problem ? [{ item: "", field: "new-passphrase", message: problem }] : [];
  return html`
    <${SecretField} name="new-passphrase" label=${label} value=${typed.passphrase} isKept=${false} problems=${problems} hint=${hint}
      onChange=${(/** @type {string} */ passphrase) => onChange({ ...typed, passphrase })} />
    <${SecretField} name="repeated" label=${t`Once more`} value=${typed.repeated} isKept=${false} problems=${[]}
      onChange=${(/** @type {string} */ repeated) => onChange({ ...typed, repeated })} />`;
}

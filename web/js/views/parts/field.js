// @ts-check
/**
 * @import { ComponentChildren } from "preact"
 * @import { Problem } from "../../protocol.js"
 */
import { html } from "./html.js";

/**
 * What a field's control needs to be tied to its hint and its problem.
 *
 * @typedef {{id: string, "aria-describedby": string | null, "aria-invalid": "true" | null}} FieldProps
 */

/**
 * @param {object} props
 * @param {string} props.name  the field's name in the protocol
 * @param {string} props.label
 * @param {Problem[]} [props.problems]
 * @param {ComponentChildren} [props.hint]
 * @param {(props: FieldProps) => ComponentChildren} props.children
 */
export function Field({ name, label, problems = [], hint, children }) {
  const id = `field-${name}`;
  const mine = problems.filter((problem) => problem.field === name);
  const described = [hint && `${id}-hint`, mine.length && `${id}-problem`].filter(Boolean).join(" ");
  return html`
    <div class="field">
      <label for=${id}>${label}</label>
      ${children({ id, "aria-describedby": described || null, "aria-invalid": mine.length ? "true" : null })}
      ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
      ${mine.length > 0 && html`<p class="problem" id="${id}-problem">${mine.map(({ message }) => message).join(" ")}</p>`}
    </div>`;
}

/**
 * Problems of fields the form does not show, so that none goes unsaid.
 *
 * @param {{problems: Problem[], shown: string[]}} props
 */
export function OtherProblems({ problems, shown }) {
  const others = problems.filter(({ field }) => !shown.includes(field));
  if (!others.length) return null;
  return html`<div class="problem" role="alert">${others.map(({ message }) => html`<p>${message}</p>`)}</div>`;
}

/** @param {HTMLFormElement | null} form */
export function focusFirstProblem(form) {
  const bad = /** @type {HTMLElement | null} */ (form?.querySelector("[aria-invalid=true]"));
  bad?.focus();
}

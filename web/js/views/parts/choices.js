// @ts-check
/**
 * @import { ComponentChildren } from "preact"
 * @import { Problem } from "../../protocol.js"
 */
import { splitList, toggled } from "../../state/rule_drafts.js";
import { html } from "./html.js";

/**
 * Any of a few, as a list in one text. What the list has and nobody offers can still be taken out.
 *
 * @param {object} props
 * @param {string} props.name  the field's name in the protocol
 * @param {string} props.label
 * @param {string} props.value
 * @param {{value: string, name: string}[]} props.options
 * @param {(value: string) => void} props.onChange
 * @param {Problem[]} [props.problems]
 * @param {ComponentChildren} [props.hint]
 * @param {boolean} [props.isOrdered]  whether the order in which they were chosen counts
 */
export function Choices({ name, label, value, options, onChange, problems = [], hint, isOrdered = false }) {
  const id = `field-${name}`;
  const chosen = splitList(value);
  const unknown = chosen.filter((one) => !options.some((option) => option.value === one));
  const mine = problems.filter((problem) => problem.field === name);
  const described = [hint && `${id}-hint`, mine.length && `${id}-problem`].filter(Boolean).join(" ");
  return html`
    <fieldset class="choices" id=${id} aria-describedby=${described || null}>
      <legend>${label}</legend>
      <div class="pills">
        ${[...options, ...unknown.map((one) => ({ value: one, name: one }))].map((option) => html`
          <label class="pill" key=${option.value}>
            <input type="checkbox" checked=${chosen.includes(option.value)} aria-invalid=${mine.length ? "true" : null}
              onChange=${() => onChange(toggled(value, option.value))} />
            ${option.name}
            ${isOrdered && chosen.length > 1 && chosen.includes(option.value) && html`
              <span class="place">${chosen.indexOf(option.value) + 1}.</span>`}
          </label>`)}
      </div>
      ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
      ${mine.length > 0 && html`<p class="problem" id="${id}-problem">${mine.map(({ message }) => message).join(" ")}</p>`}
    </fieldset>`;
}

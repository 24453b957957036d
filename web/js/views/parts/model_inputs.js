// @ts-check
/** @import { InputProps } from "./inputs.js" */
import { splitModel } from "../../state/models.js";
import { useApp } from "./context.js";
import { Field } from "./field.js";
import { html } from "./html.js";
import { giving } from "./inputs.js";

/** A model to be typed, `provider/model`; those that are known are offered. @param {InputProps} props */
export function ModelInput({ name, label, value, onChange, problems, hint }) {
  const { model } = useApp();
  const list = `models-${name}`;
  return html`
    <${Field} name=${name} label=${label} problems=${problems} hint=${hint}>
      ${(/** @type {object} */ field) => html`
        <input ...${field} list=${list} value=${value} placeholder="provider/model" autocomplete="off"
          spellcheck=${false} onInput=${giving(onChange)} />
        <datalist id=${list}>${model.modelGroups.value.flatMap((group) => group.models.map(({ id }) => html`
          <option key=${`${group.id}/${id}`} value=${`${group.id}/${id}`} />`))}</datalist>`}
    <//>`;
}

/** One of the known models. @param {Omit<InputProps, "problems">} props */
export function ModelSelect({ name, label, value, onChange }) {
  const { model } = useApp();
  const groups = model.modelGroups.value;
  const { provider, model: id } = splitModel(value);
  const isListed = groups.some((group) => group.id === provider && group.models.some((one) => one.id === id));
  return html`
    <${Field} name=${name} label=${label}>
      ${(/** @type {object} */ field) => html`
        <select ...${field} value=${value} onChange=${giving(onChange)}>
          ${!isListed && html`<option value=${value}>${id}</option>`}
          ${groups.flatMap((group) => group.models.map((one) => html`
            <option key=${`${group.id}/${one.id}`} value=${`${group.id}/${one.id}`}>${group.name}: ${one.name || one.id}</option>`))}
        </select>`}
    <//>`;
}

// @ts-check
/** @import { ModelOption } from "../../state/models.js" */
import { useEffect, useState } from "preact/hooks";
import { modelOptions, splitModel } from "../../state/models.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { ChevronIcon } from "../parts/icons.js";
import { ModelOptions, optionId } from "./model_options.js";

/**
 * A combobox: it filters while one types, and takes `provider-id/model-id` of a model that no list has.
 *
 * @param {{label: string, name: string, value: string, choose: (model: string) => void}} props  `name` tells one box
 *   from another
 */
export function ModelBox({ label, name, value, choose }) {
  const { model, actions } = useApp();
  const [typed, setTyped] = useState(/** @type {string | null} */ (null));
  const [active, setActive] = useState(0);
  const isOpen = typed !== null;
  const options = isOpen ? modelOptions(model.modelChoices.value, typed, model.favourites.value) : [];
  useEffect(() => document.getElementById(optionId(name, active))?.scrollIntoView({ block: "nearest" }), [active, isOpen]);

  function open() {
    if (isOpen) return;
    actions.models.loadModels();
    setTyped("");
    setActive(Math.max(0, modelOptions(model.modelChoices.value, "", model.favourites.value).findIndex((option) => option.value === value)));
  }
  const close = () => setTyped(null);
  /** @param {ModelOption | undefined} option */
  function take(option) {
    if (option) choose(option.value);
    close();
  }
  /** @param {number} step */
  function move(step) {
    if (!isOpen) return open();
    if (options.length) setActive((active + step + options.length) % options.length);
  }
  /** @param {KeyboardEvent} event */
  function onKeyDown(event) {
    /** @type {Record<string, () => void>} */
    const keys = { ArrowDown: () => move(1), ArrowUp: () => move(-1) };
    if (isOpen) Object.assign(keys, { Enter: () => take(options[active]), Escape: close });
    const act = keys[event.key];
    // Enter that is not for the list must not send the message either: this box stands in its form.
    if (!act && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    act?.();
  }

  return html`
    <div class="model-box ${isOpen ? "open" : ""}">
      <input role="combobox" aria-label=${label} aria-expanded=${isOpen} aria-controls="${name}-list"
        aria-autocomplete="list" aria-activedescendant=${isOpen && options.length ? optionId(name, active) : null}
        autocomplete="off" spellcheck=${false} size="1"
        placeholder=${shownModel(value) || t`Choose a model`} title=${value}
        value=${typed ?? shownModel(value)}
        onClick=${open} onKeyDown=${onKeyDown} onBlur=${close}
        onInput=${(/** @type {Event} */ event) => {
          actions.models.loadModels();
          setTyped(/** @type {HTMLInputElement} */ (event.target).value);
          setActive(0);
        }} />
      <${ChevronIcon} />
      <div id="${name}-list" role="listbox" aria-label=${t`Models`} hidden=${!isOpen}>
        ${isOpen && html`
          <${ModelOptions} box=${name} options=${options} active=${active} chosen=${value} choose=${take} />`}
      </div>
    </div>`;
}

/** @param {string} model */
function shownModel(model) {
  return splitModel(model).model;
}

// @ts-check
/** @import { ModelOption } from "../../state/models.js" */
import { useEffect, useRef, useState } from "preact/hooks";
import { modelOptions, splitModel } from "../../state/models.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { ChevronIcon } from "../parts/icons.js";

/** A combobox: it filters while one types, and takes `provider-id/model-id` of a model that no list has. */
export function ModelBox() {
  const { model, actions } = useApp();
  const [typed, setTyped] = useState(/** @type {string | null} */ (null));
  const [active, setActive] = useState(0);
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const isOpen = typed !== null;
  const options = isOpen ? modelOptions(model.modelChoices.value, typed) : [];
  useEffect(() => document.getElementById(optionId(active))?.scrollIntoView({ block: "nearest" }), [active, isOpen]);

  function open() {
    if (isOpen) return;
    actions.models.loadModels();
    setTyped("");
    setActive(Math.max(0, modelOptions(model.modelChoices.value, "").findIndex(({ value }) => value === model.model.value)));
  }
  const close = () => setTyped(null);
  /** @param {ModelOption | undefined} option */
  function choose(option) {
    if (option) actions.models.chooseModel(option.value);
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
    if (isOpen) Object.assign(keys, { Enter: () => choose(options[active]), Escape: close });
    const act = keys[event.key];
    // Enter that is not for the list must not send the message either: this box stands in its form.
    if (!act && event.key !== "Enter") return;
    event.preventDefault();
    event.stopPropagation();
    act?.();
  }

  return html`
    <div class="model-box ${isOpen ? "open" : ""}">
      <input ref=${input} role="combobox" aria-label="Model" aria-expanded=${isOpen} aria-controls="model-list"
        aria-autocomplete="list" aria-activedescendant=${isOpen && options.length ? optionId(active) : null}
        autocomplete="off" spellcheck=${false} size="1"
        placeholder=${shownModel(model.model.value) || "Choose a model"} title=${model.model.value}
        value=${typed ?? shownModel(model.model.value)}
        onClick=${open} onKeyDown=${onKeyDown} onBlur=${close}
        onInput=${(/** @type {Event} */ event) => {
          actions.models.loadModels();
          setTyped(/** @type {HTMLInputElement} */ (event.target).value);
          setActive(0);
        }} />
      <${ChevronIcon} />
      <div id="model-list" role="listbox" aria-label="Models" hidden=${!isOpen}>
        ${isOpen && html`<${Options} options=${options} active=${active} choose=${choose} />`}
      </div>
    </div>`;
}

/** @param {{options: ModelOption[], active: number, choose: (option: ModelOption) => void}} props */
function Options({ options, active, choose }) {
  const { model } = useApp();
  if (!options.length) return html`<p class="no-option">${nothingToChoose(model.config.value.providers.length > 0)}</p>`;
  const groups = [...new Set(options.map(({ group }) => group))];
  return html`${groups.map((group) => html`
    <div role="group" aria-label=${group} key=${group}>
      <div class="option-group" aria-hidden="true">${group}</div>
      ${options.map((option, position) => option.group === group && html`
        <div role="option" key=${option.value} id=${optionId(position)} aria-selected=${option.value === model.model.value}
          class=${position === active ? "active" : ""} onMouseDown=${(/** @type {MouseEvent} */ event) => {
            // Before the box loses the focus and closes the list under the pointer.
            event.preventDefault();
            choose(option);
          }}>${option.label}</div>`)}
    </div>`)}`;
}

/** @param {boolean} hasProviders */
function nothingToChoose(hasProviders) {
  return hasProviders ? "No model like this. Type its id." : "Add a provider first: its models appear here.";
}

/** @param {number} position */
function optionId(position) {
  return `model-option-${position}`;
}

/** @param {string} model */
function shownModel(model) {
  return splitModel(model).model;
}

// @ts-check
/** @import { Rule } from "../../protocol.js" */
import { useEffect, useRef } from "preact/hooks";
import { codeBlock, finishCodeBlock } from "../../markdown/code_block.js";
import { isObject, problemsBelow } from "../../state/policies.js";
import { describeRule, nameOfRule } from "../../state/rules.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { DownIcon, UpIcon } from "../parts/icons.js";
import { namesIn } from "./rule_names.js";
import { Switch } from "../parts/switch.js";

/**
 * @param {object} props
 * @param {Rule} props.rule
 * @param {number} props.position
 * @param {boolean} props.isLast
 * @param {(step: -1 | 1) => void} props.onMove
 * @param {() => void} props.onRemove
 */
export function RuleCard({ rule, position, isLast, onMove, onRemove }) {
  const { model, actions } = useApp();
  const name = nameOfRule(rule, position);
  const isOn = isObject(rule) && rule.enabled !== false;
  const problems = problemsBelow(model.problems.value, `/rules/${position}`);
  return html`
    <li class="card rule" data-on=${isOn}>
      <span class="rule-place" aria-hidden="true">${position + 1}</span>
      <div class="rule-body">
        <div class="card-head">
          <h3>${name}</h3>
          ${isObject(rule) && html`<label class="rule-switch">
            <${Switch} label=${t`Use “${name}”`} checked=${isOn}
              onChange=${(/** @type {boolean} */ enabled) => actions.policies.switchRule(position, enabled)} />
            <span aria-hidden="true">${isOn ? t`On` : t`Off`}</span></label>`}
        </div>
        <p class="rule-summary">${describeRule(rule, namesIn(model))}</p>
        ${problems.map(({ field, message }) => html`
          <p class="problem">${field && html`<code>${placeOf(field)}</code> `}${message}</p>`)}
        ${isObject(rule) && typeof rule.python === "string" && html`
          <details class="rule-source"><summary>${t`Show the function`}</summary><${Source} text=${rule.python} /></details>`}
        <div class="card-actions">
          <button type="button" aria-label=${t`Edit ${name}`}
            onClick=${() => { model.dialog.value = { kind: "rule", position }; }}>${t`Edit`}</button>
          <button type="button" class="quiet danger" aria-label=${t`Remove ${name}`} onClick=${onRemove}>${t`Remove`}</button>
          <span class="moves">
            <button type="button" class="quiet square" data-step="-1" aria-label=${t`Move ${name} up`}
              aria-disabled=${position === 0} onClick=${() => onMove(-1)}><${UpIcon} /></button>
            <button type="button" class="quiet square" data-step="1" aria-label=${t`Move ${name} down`}
              aria-disabled=${isLast} onClick=${() => onMove(1)}><${DownIcon} /></button>
          </span>
        </div>
      </div>
    </li>`;
}

/** @param {{text: string}} props */
function Source({ text }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const block = codeBlock("python", text);
    finishCodeBlock(block);
    place.current?.replaceChildren(block);
  }, [text]);
  return html`<div ref=${place}></div>`;
}

/**
 * @param {string} pointer
 * @returns {string} the place as a person would write it: `when.tokens.min`
 */
function placeOf(pointer) {
  return pointer.slice(1).replaceAll("/", ".");
}

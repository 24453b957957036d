// @ts-check
/** @import { Answer } from "../../state/answers.js" */
import { isUnfinished } from "../../state/answers.js";
import { formatNumber, t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { CopyButton } from "../parts/copy_button.js";
import { html } from "../parts/html.js";

/**
 * @param {{id: string, place: number, versions: number, earlier: string, later: string}} props  the last two name the
 *   buttons
 */
export function Versions({ id, place, versions, earlier, later }) {
  const { actions } = useApp();
  if (versions < 2) return null;
  return html`
    <span class="versions" role="group" aria-label=${t`Versions`}>
      <button type="button" class="link" aria-label=${earlier} disabled=${place === 0}
        onClick=${() => actions.chat.turn(id, "earlier")}>‹</button>
      <span>${t`${formatNumber(place + 1)} of ${formatNumber(versions)}`}</span>
      <button type="button" class="link" aria-label=${later} disabled=${place === versions - 1}
        onClick=${() => actions.chat.turn(id, "later")}>›</button>
    </span>`;
}

/** @param {{answer: Answer, isLast: boolean}} props */
export function AnswerActions({ answer, isLast }) {
  const { actions } = useApp();
  return html`
    ${isLast && isUnfinished(answer) && html`
      <button type="button" class="link" onClick=${() => actions.chat.goOn(answer.id)}>${t`Continue`}</button>`}
    ${isLast && html`
      <button type="button" class="link" onClick=${() => actions.chat.retry(answer.id)}>${t`Retry`}</button>`}
    ${answer.content && html`<${CopyMessage} text=${answer.content} />`}
    ${answer.content && html`<${BranchButton} id=${answer.id} />`}`;
}

/** @param {{text: string}} props */
export function CopyMessage({ text }) {
  return html`<${CopyButton} text=${text} label=${t`Copy text`} class="link" />`;
}

/** @param {{id: string}} props */
export function BranchButton({ id }) {
  const { actions } = useApp();
  return html`
    <button type="button" class="link" title=${t`A new chat that begins with everything up to here`}
      onClick=${() => actions.conversations.branch(id)}>${t`Branch`}</button>`;
}

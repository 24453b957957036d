// @ts-check
/** @import { Answer } from "../../state/answers.js" */
import { isRunning } from "../../state/answers.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { AnswerItem } from "./answer_item.js";

/**
 * Several models' answers to one question, side by side.
 *
 * @param {{chosen: Answer, answers: Answer[], isLast: boolean, place: number, versions: number}} props  `chosen` is the
 *   one that the conversation goes on from
 */
export function ComparedAnswers({ chosen, answers, isLast, place, versions }) {
  const { actions } = useApp();
  return html`
    <li class="message assistant compared" data-columns=${answers.length}>
      ${answers.map((answer) => html`
        <div class="column ${answer.id === chosen.id ? "chosen" : ""}" key=${answer.model}>
          <${AnswerItem} answer=${answer} isLast=${isLast} place=${answer.id === chosen.id ? place : 0}
            versions=${answer.id === chosen.id ? versions : 1} />
          ${!isRunning(answer) && (answer.id === chosen.id
            ? html`<p class="hint chosen-mark">✓ ${t`The chat goes on from here.`}</p>`
            : html`<button type="button" onClick=${() => actions.chat.prefer(answer.id)}>${t`Go on with this one`}</button>`)}
        </div>`)}
    </li>`;
}

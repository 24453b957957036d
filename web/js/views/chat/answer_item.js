// @ts-check
/** @import { Answer, Retrying } from "../../state/answers.js" */
import { useEffect, useState } from "preact/hooks";
import { isRunning } from "../../state/answers.js";
import { splitModel } from "../../state/models.js";
import { formatDuration, t } from "../../words.js";
import { Badge } from "../parts/badge.js";
import { useApp } from "../parts/context.js";
import { useCountdown } from "../parts/countdown.js";
import { ErrorCard } from "../parts/error_card.js";
import { html } from "../parts/html.js";
import { MarkdownView } from "../parts/markdown_view.js";
import { Told } from "../parts/told.js";
import { Figures } from "./figures.js";
import { AnswerActions, Versions } from "./message_actions.js";
import { Reasoning } from "./reasoning.js";
import { ToolCalls } from "./tool_calls.js";

/** @type {Partial<Record<Answer["status"], () => string>>} */
const ENDINGS = {
  stopped: () => t`Stopped.`,
  interrupted: () => t`Interrupted: the page was closed or reloaded before the answer was complete.`,
};
/** @type {Record<string, () => string>} */
const FINISHES = {
  length: () => t`Cut off: the answer reached its longest allowed length.`,
  content_filter: () => t`Cut off by the provider's content filter.`,
};

/** @param {{answer: Answer, isLast: boolean, place: number, versions: number}} props */
export function AnswerItem({ answer, isLast, place, versions }) {
  const running = isRunning(answer);
  return html`
    <article class="answer" data-role="assistant" data-status=${answer.status} aria-busy=${running}
      aria-label=${t`Answer of ${shownModel(answer)}`}>
      <div class="message-head">
        <h2 class="message-model" title=${answer.taken?.model ?? answer.model}>${shownModel(answer)}</h2>
        ${answer.route && html`<${Badge} route=${answer.route} isKept=${answer.isKept ?? false}
          reason=${[answer.taken?.reason, answer.reason].filter(Boolean).join(" ")} detours=${answer.detours} rule=${answer.rule ?? null} />`}
      </div>
      <${Reasoning} answer=${answer} isRunning=${running} />
      ${answer.content && html`<${MarkdownView} text=${answer.content} complete=${!running} />`}
      <${ToolCalls} calls=${answer.toolCalls} />
      <${Wait} answer=${answer} />
      ${answer.error && html`<${ErrorCard} error=${answer.error} answer=${answer} />`}
      <${Ending} answer=${answer} />
      ${!running && html`
        <div class="message-foot" role="group" aria-label=${t`This answer`}>
          <${Versions} id=${answer.id} place=${place} versions=${versions}
            earlier=${t`Earlier answer`} later=${t`Later answer`} />
          <${AnswerActions} answer=${answer} isLast=${isLast} />
          <${Figures} answer=${answer} />
        </div>`}
    </article>`;
}

/** @param {Answer} answer */
function shownModel(answer) {
  return splitModel(answer.taken?.model ?? answer.model).model;
}

/** @param {{answer: Answer}} props */
function Wait({ answer }) {
  if (!isRunning(answer) || answer.content || answer.reasoning) return null;
  return answer.retrying
    ? html`<${WaitingAgain} key=${answer.retrying.attempt} retrying=${answer.retrying} />`
    : html`<${Waiting} />`;
}

function Waiting() {
  const { model } = useApp();
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((before) => before + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const what = model.python.value.phase === "ready" ? t`Waiting for the answer…` : t`Waiting for Python…`;
  return html`<p class="waiting">${what}${seconds > 0 && ` ${formatDuration(seconds * 1000)}`}</p>`;
}

/** @param {{retrying: Retrying}} props */
function WaitingAgain({ retrying: { wait_ms: wait, error } }) {
  const [moment] = useState(() => Date.now() + wait);
  const seconds = useCountdown(moment);
  return html`
    <p class="waiting"><${Told} text=${error.message} /> ${seconds ? t`Trying again in ${seconds} s…` : t`Trying again now…`}</p>`;
}

/** @param {{answer: Answer}} props */
function Ending({ answer }) {
  const text = ENDINGS[answer.status] ?? (answer.status === "done" ? FINISHES[answer.finishReason] : undefined);
  return text ? html`<p class="ending">${text()}</p>` : null;
}

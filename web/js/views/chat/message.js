// @ts-check
/**
 * @import { Answer, Retrying, ToolCall } from "../../state/answers.js"
 * @import { Message, UserMessage } from "../../state/conversations.js"
 */
import { Component } from "preact";
import { useEffect, useState } from "preact/hooks";
import { isRunning } from "../../state/answers.js";
import { splitModel } from "../../state/models.js";
import { Badge } from "../parts/badge.js";
import { useApp } from "../parts/context.js";
import { useCountdown } from "../parts/countdown.js";
import { ErrorCard } from "../parts/error_card.js";
import { html } from "../parts/html.js";
import { MarkdownView } from "../parts/markdown_view.js";

/** @type {Partial<Record<Answer["status"], string>>} */
const ENDINGS = {
  stopped: "Stopped.",
  interrupted: "Interrupted: the page was closed or reloaded before the answer was complete.",
};
/** @type {Record<string, string>} */
const FINISHES = {
  length: "Cut off: the answer reached its longest allowed length.",
  content_filter: "Cut off by the provider's content filter.",
};

/** @extends {Component<{message: Message, isLast: boolean}>} */
export class MessageItem extends Component {
  /**
   * A message is never changed in place, so one that is the same is drawn the same.
   *
   * @override
   * @param {any} next
   */
  shouldComponentUpdate(next) {
    return next.message !== this.props.message || next.isLast !== this.props.isLast;
  }

  /** @override */
  render() {
    const { message, isLast } = this.props;
    return message.role === "user"
      ? html`<${UserItem} message=${message} />`
      : html`<${AnswerItem} answer=${message} isLast=${isLast} />`;
  }
}

/** @param {{message: UserMessage}} props */
function UserItem({ message }) {
  return html`
    <li class="message user" data-role="user">
      <span class="unseen">You said:</span>
      <div class="bubble">${message.content}</div>
    </li>`;
}

/** @param {{answer: Answer, isLast: boolean}} props */
function AnswerItem({ answer, isLast }) {
  const { actions } = useApp();
  const running = isRunning(answer);
  return html`
    <li class="message assistant" data-role="assistant" data-status=${answer.status} aria-busy=${running}>
      <div class="message-head">
        <span class="message-model">${splitModel(answer.taken?.model ?? answer.model).model}</span>
        ${answer.route && html`<${Badge} route=${answer.route} isKept=${answer.isKept ?? false}
          reason=${[answer.taken?.reason, answer.reason].filter(Boolean).join(" ")} detours=${answer.detours} />`}
      </div>
      ${answer.reasoning && html`<${Reasoning} text=${answer.reasoning} thinking=${running && !answer.content} />`}
      ${answer.content && html`<${MarkdownView} text=${answer.content} complete=${!running} />`}
      ${answer.toolCalls.map((call, position) => html`<${ToolCallItem} key=${position} call=${call} />`)}
      ${running && !answer.content && !answer.reasoning && (answer.retrying
        ? html`<${WaitingAgain} key=${answer.retrying.attempt} retrying=${answer.retrying} />`
        : html`<${Waiting} />`)}
      ${answer.error && html`<${ErrorCard} error=${answer.error}
        answerModel=${answer.model} askedModel=${answer.taken?.model ?? answer.model} />`}
      <${Ending} answer=${answer} />
      ${!running && html`
        <div class="message-foot">
          ${isLast && html`<button type="button" class="link" onClick=${() => actions.chat.retry()}>Retry</button>`}
          <${Versions} answer=${answer} />
          <${Figures} answer=${answer} />
        </div>`}
    </li>`;
}

/** @param {{text: string, thinking: boolean}} props */
function Reasoning({ text, thinking }) {
  return html`
    <details class="reasoning">
      <summary>Reasoning${thinking ? "…" : ""}</summary>
      <div>${text}</div>
    </details>`;
}

/** @param {{call: ToolCall}} props */
function ToolCallItem({ call }) {
  return html`
    <div class="tool-call"><p>Asks for the tool <strong>${call.name}</strong></p><pre>${call.arguments}</pre></div>`;
}

function Waiting() {
  const { model } = useApp();
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds((before) => before + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const forWhom = model.python.value.phase === "ready" ? "the answer" : "Python";
  return html`<p class="waiting">Waiting for ${forWhom}…${seconds > 0 && ` ${seconds} s`}</p>`;
}

/** @param {{retrying: Retrying}} props */
function WaitingAgain({ retrying: { wait_ms: wait, error } }) {
  const [moment] = useState(() => Date.now() + wait);
  const seconds = useCountdown(moment);
  return html`<p class="waiting">${error.message} Trying again ${seconds ? `in ${seconds} s` : "now"}…</p>`;
}

/** @param {{answer: Answer}} props */
function Ending({ answer }) {
  const text = ENDINGS[answer.status] ?? (answer.status === "done" ? FINISHES[answer.finishReason] : undefined);
  return text ? html`<p class="ending">${text}</p>` : null;
}

/** @param {{answer: Answer}} props */
function Versions({ answer }) {
  const { actions } = useApp();
  const { id, earlier, later } = answer;
  if (!earlier.length && !later.length) return null;
  return html`
    <span class="versions" role="group" aria-label="Answers to this message">
      <button type="button" class="link" aria-label="Earlier answer" disabled=${!earlier.length}
        onClick=${() => actions.chat.turn(id, "earlier")}>‹</button>
      <span>${earlier.length + 1} of ${earlier.length + 1 + later.length}</span>
      <button type="button" class="link" aria-label="Later answer" disabled=${!later.length}
        onClick=${() => actions.chat.turn(id, "later")}>›</button>
    </span>`;
}

/** @param {{answer: Answer}} props */
function Figures({ answer: { usage, timing } }) {
  const figures = [
    usage?.output_tokens != null && `${usage.output_tokens} tokens`,
    usage?.input_tokens != null && `${usage.input_tokens} in`,
    timing?.first_token_ms != null && `first after ${seconds(timing.first_token_ms)}`,
    timing?.total_ms != null && `${seconds(timing.total_ms)} in all`,
  ].filter(Boolean);
  return figures.length ? html`<span class="figures">${figures.join(" · ")}</span>` : null;
}

/** @param {number} milliseconds */
function seconds(milliseconds) {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

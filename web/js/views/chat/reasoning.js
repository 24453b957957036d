// @ts-check
/** @import { Answer } from "../../state/answers.js" */
import { useEffect, useState } from "preact/hooks";
import { formatDuration, t } from "../../words.js";
import { html } from "../parts/html.js";
import { MarkdownView } from "../parts/markdown_view.js";

/**
 * What the model thought before it spoke: closed, and drawn only once it is opened.
 *
 * @param {{answer: Answer, isRunning: boolean}} props
 */
export function Reasoning({ answer, isRunning }) {
  const [isOpen, setOpen] = useState(false);
  const { reasoning, isRedacted } = answer;
  if (!reasoning) return isRedacted ? html`<p class="reasoning-kept">${t`The provider keeps the reasoning to itself.`}</p>` : null;
  return html`
    <details class="reasoning" onToggle=${(/** @type {Event} */ event) =>
      setOpen(/** @type {HTMLDetailsElement} */ (event.target).open)}>
      <summary><${Duration} answer=${answer} isRunning=${isRunning} /></summary>
      <div class="reasoning-text">
        ${isOpen && html`<${MarkdownView} text=${reasoning} complete=${!isRunning} />`}
        ${isRedacted && html`<p class="hint">${t`The provider keeps some of it to itself.`}</p>`}
      </div>
    </details>`;
}

/** @param {{answer: Answer, isRunning: boolean}} props */
function Duration({ answer: { thinkingSince, thoughtFor }, isRunning }) {
  const isThinking = isRunning && thinkingSince != null;
  const now = useClock(isThinking);
  if (isThinking) return t`Thinking… ${formatDuration((thoughtFor ?? 0) + Math.max(0, now - thinkingSince))}`;
  return thoughtFor ? t`Reasoning: thought for ${formatDuration(thoughtFor)}` : t`Reasoning`;
}

/** @param {boolean} isOn */
function useClock(isOn) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!isOn) return undefined;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isOn]);
  return now;
}

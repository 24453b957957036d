// @ts-check
import { useState } from "preact/hooks";
import { formatDuration, t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Section } from "./section.js";

/** @typedef {{code: string, output: string, isError: boolean}} Entry */

export function PythonSettings() {
  const { model } = useApp();
  const { phase, elapsed_ms: elapsed, origin, detail } = model.python.value;
  return html`
    <${Section} id="python" title=${t`Python`}>
      <p>${phase === "ready" ? t`Python started in ${formatDuration(elapsed)}. It plans every request, in this page.`
        : t`Python is not up yet.`}</p>
      ${origin === "snapshot" && html`<p>${t`It began with the memory that the build put away for it.`}</p>`}
      ${origin === "plain" && html`
        <p>${t`It was booted in full, which takes longer, because its stored memory could not be used:`} <code lang="en">${detail}</code></p>`}
      <details>
        <summary>${t`A console for the curious`}</summary>
        <${Console} isReady=${phase === "ready"} />
      </details>
    <//>`;
}

/** @param {{isReady: boolean}} props */
function Console({ isReady }) {
  const { actions } = useApp();
  const [code, setCode] = useState("");
  const [entries, setEntries] = useState(/** @type {Entry[]} */ ([]));
  const [place, setPlace] = useState(0);
  const [isRunning, setRunning] = useState(false);

  async function run() {
    if (!code.trim() || isRunning) return;
    setRunning(true);
    const outcome = await actions.runPython(code);
    setRunning(false);
    setEntries([...entries, { code, ...outcome }]);
    setPlace(entries.length + 1);
    setCode("");
  }
  /** @param {number} to */
  const recall = (to) => {
    setPlace(to);
    setCode(entries[to]?.code ?? "");
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.isComposing) return;
    const isOneLine = !code.includes("\n");
    if (event.key === "Enter" && !event.shiftKey) void run();
    else if (event.key === "ArrowUp" && isOneLine && place > 0) recall(place - 1);
    else if (event.key === "ArrowDown" && isOneLine && place < entries.length) recall(place + 1);
    else return;
    event.preventDefault();
  };
  return html`
    <div class="console">
      <p class="hint">${t`The client that answers your chats is here as “client”. Be careful with what others tell you to paste: this console can read your keys.`}</p>
      ${entries.length > 0 && html`
        <ol class="console-log" aria-live="polite" aria-label=${t`Console`}>
          ${entries.map(({ code: said, output, isError }, position) => html`
            <li key=${position}>
              <pre class="console-code" dir="ltr">${said}</pre>
              ${output && html`<pre class=${isError ? "console-error" : ""} dir="ltr" tabindex="0">${output}</pre>`}
            </li>`)}
        </ol>`}
      <label for="console-code">${t`Python code`}</label>
      <textarea id="console-code" rows="2" spellcheck=${false} dir="ltr" value=${code} onKeyDown=${onKeyDown}
        placeholder='client.explain("demo/tour")' aria-describedby="console-keys"
        onInput=${(/** @type {Event} */ event) => setCode(/** @type {HTMLTextAreaElement} */ (event.target).value)}></textarea>
      <div class="card-actions">
        <button type="button" disabled=${!isReady || isRunning || !code.trim()} onClick=${run}>
          ${isRunning ? t`Running…` : t`Run`}</button>
        <span class="hint" id="console-keys">${t`Enter runs, Shift+Enter makes a new line, the arrows bring back what you typed.`}</span>
      </div>
    </div>`;
}

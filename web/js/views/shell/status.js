// @ts-check
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";

const WORDS = {
  loading: () => t`Loading Python…`, installing: () => t`Starting Python…`, ready: () => t`Python is ready`,
  failed: () => t`Python did not start`,
};

/** One live region for the page: what Python is at, and what a screen reader should hear of the chat. */
export function Status() {
  const { model } = useApp();
  const { phase, origin } = model.python.value;
  return html`
    <p class="status" role="status" data-phase=${phase}>
      <span class="status-text">${origin === "plain" ? t`Python is ready, after a full start` : WORDS[phase]()}</span>
      <span class="unseen">${model.announcement.value}</span>
    </p>`;
}

// @ts-check
import { useEffect, useRef } from "preact/hooks";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { SendIcon, StopIcon } from "../parts/icons.js";
import { ModelBox } from "./model_box.js";

export function Composer() {
  const { model, actions } = useApp();
  const box = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const isRunning = (model.conversation.value?.id ?? "") in model.running.value;
  useEffect(() => {
    // On a touch screen it would bring up the keyboard over the page.
    if (matchMedia("(pointer: fine)").matches) box.current?.focus();
  }, []);

  async function send() {
    const text = model.draft.value;
    if (isRunning || !text.trim()) return;
    model.draft.value = "";
    const isTaken = await actions.chat.send(text);
    if (!isTaken) model.draft.value ||= text;
  }
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    // Enter that ends a composition (Chinese, Japanese, Korean input) belongs to the input method.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void send();
  };
  return html`
    <form class="composer" onSubmit=${(/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      void send();
    }}>
      <textarea id="message" ref=${box} rows="1" aria-label="Message" placeholder="Write a message" enterkeyhint="send"
        aria-describedby="message-keys" value=${model.draft.value} onKeyDown=${onKeyDown}
        onInput=${(/** @type {Event} */ event) => {
          model.draft.value = /** @type {HTMLTextAreaElement} */ (event.target).value;
        }}></textarea>
      <div class="composer-bar">
        <${ModelBox} />
        <span class="keys" id="message-keys">Enter sends, Shift+Enter makes a new line</span>
        ${isRunning
          ? html`<button type="button" class="primary square" aria-label="Stop" onClick=${actions.chat.stop}>
              <${StopIcon} /></button>`
          : html`<button type="submit" class="primary square" aria-label="Send" disabled=${!model.draft.value.trim()}>
              <${SendIcon} /></button>`}
      </div>
    </form>`;
}

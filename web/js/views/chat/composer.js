// @ts-check
/** @import { Attachment } from "../../state/attachments.js" */
import { useEffect, useRef, useState } from "preact/hooks";
import { takesImages } from "../../state/models.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { AttachIcon, SendIcon, StopIcon } from "../parts/icons.js";
import { AttachmentList } from "./attachment_list.js";
import { ChatSettingsButton } from "./chat_settings.js";
import { CompareButton, ComparedModels } from "./compared_models.js";
import { ModelBox } from "./model_box.js";

export function Composer() {
  const { model, actions } = useApp();
  const box = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const isRunning = (model.conversation.value?.id ?? "") in model.running.value;
  const hasSomething = Boolean(model.draft.value.trim() || model.attachments.value.length);
  useEffect(() => {
    // On a touch screen it would bring up the keyboard over the page.
    if (matchMedia("(pointer: fine)").matches) box.current?.focus();
  }, []);

  async function send() {
    const text = model.draft.value;
    if (isRunning || !hasSomething) return;
    model.draft.value = "";
    const attachments = actions.attachments.take();
    const isTaken = await actions.chat.send(text, attachments);
    if (isTaken) return;
    actions.conversations.giveBack(text);
    actions.attachments.putBack([...attachments, ...model.attachments.value]);
  }
  return html`
    <form class="composer" onSubmit=${(/** @type {SubmitEvent} */ event) => {
      event.preventDefault();
      void send();
    }}>
      <${DropArea} add=${actions.attachments.add} />
      ${model.attachments.value.length > 0 && html`
        <${AttachmentList} attachments=${model.attachments.value} onRemove=${actions.attachments.remove} />
        <${BlindModel} attachments=${model.attachments.value} />`}
      <textarea id="message" ref=${box} rows="1" dir="auto" aria-label=${t`Message`} placeholder=${t`Write a message`}
        enterkeyhint="send" aria-describedby="message-keys" value=${model.draft.value} onKeyDown=${onKeyDown}
        onPaste=${onPaste} onInput=${(/** @type {Event} */ event) => {
          model.draft.value = /** @type {HTMLTextAreaElement} */ (event.target).value;
        }}></textarea>
      <${ComparedModels} />
      <div class="composer-bar">
        <${ModelBox} label=${t`Model`} name="model" value=${model.model.value} choose=${actions.models.chooseModel} />
        <${AttachButton} add=${actions.attachments.add} />
        <${ChatSettingsButton} />
        <${CompareButton} />
        <span class="keys" id="message-keys">${t`Enter sends, Shift+Enter makes a new line`}</span>
        ${isRunning
          ? html`<button type="button" class="primary square" aria-label=${t`Stop`} onClick=${actions.chat.stop}>
              <${StopIcon} /></button>`
          : html`<button type="submit" class="primary square" aria-label=${t`Send`} disabled=${!hasSomething}>
              <${SendIcon} /></button>`}
      </div>
    </form>`;

  /** @param {KeyboardEvent} event */
  function onKeyDown(event) {
    // Enter that ends a composition (Chinese, Japanese, Korean input) belongs to the input method.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void send();
  }

  /** @param {ClipboardEvent} event */
  function onPaste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    // A table copied from a spreadsheet comes as text and as a picture of it: the text is what is meant.
    if (!files.length || event.clipboardData?.types.includes("text/plain")) return;
    event.preventDefault();
    void actions.attachments.add(files);
  }
}

/** @param {{add: (files: File[]) => void}} props */
function AttachButton({ add }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  return html`
    <button type="button" class="quiet square" aria-label=${t`Attach files`} title=${t`Attach files`}
      onClick=${() => input.current?.click()}><${AttachIcon} /></button>
    <input ref=${input} type="file" multiple hidden aria-label=${t`Files to attach`}
      onChange=${(/** @type {Event} */ event) => {
        const chosen = /** @type {HTMLInputElement} */ (event.target);
        add([...(chosen.files ?? [])]);
        // The same file can be chosen again.
        chosen.value = "";
      }} />`;
}

/** Takes files that are dropped anywhere on the page. @param {{add: (files: File[]) => void}} props */
function DropArea({ add }) {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    /** @param {DragEvent} event */
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    /** @param {DragEvent} event */
    const over = (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    /** @param {DragEvent} event */
    const leave = (event) => { if (!event.relatedTarget) setOver(false); };
    /** @param {DragEvent} event */
    const drop = (event) => {
      setOver(false);
      if (!hasFiles(event)) return;
      event.preventDefault();
      add([...(event.dataTransfer?.files ?? [])]);
    };
    const listeners = /** @type {const} */ ([["dragover", over], ["dragleave", leave], ["drop", drop]]);
    listeners.forEach(([type, listener]) => addEventListener(type, listener));
    return () => listeners.forEach(([type, listener]) => removeEventListener(type, listener));
  }, []);
  return isOver ? html`<div class="drop-area" aria-hidden="true">${t`Drop images or text files here`}</div>` : null;
}

/** @param {{attachments: Attachment[]}} props */
function BlindModel({ attachments }) {
  const { model } = useApp();
  const asked = [model.model.value, ...model.comparedModels.value];
  const blind = asked.filter((name) => takesImages(model.modelGroups.value, name) === false);
  if (!blind.length || !attachments.some(({ kind }) => kind === "image")) return null;
  return html`<p class="composer-note">${t`${blind.join(", ")} takes no images, as far as its provider says.`}</p>`;
}

// @ts-check
/** @import { UserMessage } from "../../state/conversations.js" */
import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "../../words.js";
import { AttachmentList } from "./attachment_list.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { BranchButton, CopyMessage, Versions } from "./message_actions.js";

/** @param {{message: UserMessage, place: number, versions: number}} props */
export function UserItem({ message, place, versions }) {
  const { model } = useApp();
  const isEdited = model.edited.value === message.id;
  const edit = () => { model.edited.value = message.id; };
  return html`
    <li class="message user" data-role="user">
      <span class="unseen">${t`You said:`}</span>
      ${message.attachments && html`<${AttachmentList} attachments=${message.attachments} />`}
      ${isEdited
        ? html`<${Editor} message=${message} />`
        : message.content && html`<div class="bubble" dir="auto">${message.content}</div>`}
      ${!isEdited && html`
        <div class="message-foot" role="group" aria-label=${t`Your message`}>
          <${Versions} id=${message.id} place=${place} versions=${versions}
            earlier=${t`Earlier version`} later=${t`Later version`} />
          <button type="button" class="link" onClick=${edit}>${t`Edit`}</button>
          <${CopyMessage} text=${message.content} />
          <${BranchButton} id=${message.id} />
        </div>`}
    </li>`;
}

/** @param {{message: UserMessage}} props */
function Editor({ message }) {
  const { model, actions } = useApp();
  const [text, setText] = useState(message.content);
  const box = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  useEffect(() => {
    box.current?.focus();
    box.current?.setSelectionRange(text.length, text.length);
  }, []);
  const close = () => {
    model.edited.value = null;
    document.getElementById("message")?.focus();
  };
  const send = () => { if (actions.chat.resend(message.id, text)) close(); };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") close();
    else if (event.key === "Enter" && !event.shiftKey) send();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`
    <div class="editor">
      <textarea ref=${box} aria-label=${t`Edit your message`} rows="3" dir="auto" value=${text} onKeyDown=${onKeyDown}
        onInput=${(/** @type {Event} */ event) => setText(/** @type {HTMLTextAreaElement} */ (event.target).value)}></textarea>
      <div class="editor-foot">
        <p class="hint">${t`What was said before stays as another version.`}</p>
        <button type="button" class="quiet" onClick=${close}>${t`Cancel`}</button>
        <button type="button" class="primary" onClick=${send}>${t`Send again`}</button>
      </div>
    </div>`;
}

// @ts-check
/** @import { Attachment } from "../../state/attachments.js" */
import { html } from "../parts/html.js";
import { Modal } from "../parts/modal.js";

/** @param {{attachment: Attachment, close: () => void}} props */
export function AttachmentDialog({ attachment: { kind, name, data, note }, close }) {
  return html`
    <${Modal} title=${name} close=${close}>
      <div class="modal-body attachment-view">
        ${note && html`<p class="hint">${note}</p>`}
        ${kind === "image" ? html`<img src=${data} alt=${name} />` : html`<pre tabindex="0" dir="auto">${data}</pre>`}
      </div>
    <//>`;
}

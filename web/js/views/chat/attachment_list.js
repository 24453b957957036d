// @ts-check
/** @import { Attachment } from "../../state/attachments.js" */
import { formatBytes, t } from "../../words.js";
import { html } from "../parts/html.js";
import { CloseIcon, FileIcon } from "../parts/icons.js";
import { useApp } from "../parts/context.js";

/**
 * @param {{attachments: Attachment[], onRemove?: (id: string) => void}} props
 */
export function AttachmentList({ attachments, onRemove }) {
  return html`
    <ul class="attachments" aria-label=${t`Attached`}>
      ${attachments.map((attachment) => html`
        <${AttachmentItem} key=${attachment.id} attachment=${attachment} onRemove=${onRemove} />`)}
    </ul>`;
}

/** @param {{attachment: Attachment, onRemove?: (id: string) => void}} props */
function AttachmentItem({ attachment, onRemove }) {
  const { model } = useApp();
  const { id, kind, name, size, data, note } = attachment;
  const open = () => { model.dialog.value = { kind: "attachment", attachment }; };
  return html`
    <li class="attachment" title=${[name, note].filter(Boolean).join("\n")}>
      <button type="button" class="attachment-open" aria-label=${t`Look at ${name}`} onClick=${open}>
        ${kind === "image" ? html`<img src=${data} alt="" />` : html`<${FileIcon} />`}
        <span class="attachment-name">${name}</span>
        <span class="attachment-size">${formatBytes(size)}</span>
      </button>
      ${onRemove && html`<button type="button" class="quiet square" aria-label=${t`Remove ${name}`}
        onClick=${() => onRemove(id)}><${CloseIcon} /></button>`}
    </li>`;
}

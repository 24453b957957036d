// @ts-check
/** @import { DataSize } from "../../actions/data.js" */
import { useEffect, useState } from "preact/hooks";
import { formatBytes, t, tn } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Section } from "./section.js";

export function DataSettings() {
  const { model, actions } = useApp();
  const saving = model.saving.value;
  const [size, setSize] = useState(/** @type {DataSize | null} */ (null));
  const measure = () => void actions.reported(actions.data.measure().then(setSize));
  useEffect(measure, [model.conversations.value]);
  const makeLasting = async () => {
    if (!await actions.data.makeLasting()) actions.toast(t`The browser did not agree. Some ask for a bookmark or an installed page first.`);
    measure();
  };
  return html`
    <${Section} id="data" title=${t`Data`}>
      ${size && html`
        <p>${t`${formatBytes(size.used)} of ${formatBytes(size.quota)} are used.`} ${" "}
          ${tn(size.chats, "{0} chat,", "{0} chats,")} ${tn(size.messages, "{0} message.", "{0} messages.")}</p>
        <meter class="room" aria-label=${t`Storage used`} min="0" max=${size.quota || 1} high=${size.quota * 0.9} value=${size.used}></meter>
        <p class="hint">${size.isLasting ? t`The browser keeps it until you delete it.`
          : t`The browser may clear it by itself when the disk is full.`}</p>`}
      <div class="card-actions">
        <button type="button" disabled=${saving !== null} onClick=${() => void actions.reported(actions.backups.save(""))}>
          ${saving ? t`Saving…` : t`Save everything as a file`}</button>
        ${saving && html`<progress aria-label=${t`Progress`} value=${saving.done} max="1"></progress>
          <button type="button" class="quiet" onClick=${saving.stop}>${t`Cancel`}</button>`}
        <button type="button" disabled=${saving !== null} onClick=${() => { model.dialog.value = { kind: "backup" }; }}>${t`Save it with keys…`}</button>
        <button type="button" onClick=${() => { model.dialog.value = { kind: "restore" }; }}>${t`Restore a backup…`}</button>
        ${size && !size.isLasting && html`<button type="button" onClick=${makeLasting}>${t`Ask the browser to keep it`}</button>`}
        <button type="button" class="danger" onClick=${() => { model.dialog.value = { kind: "erase" }; }}>${t`Delete everything…`}</button>
      </div>
      <p class="hint">${t`The file holds chats, providers, relays and rules; keys only when asked for, encrypted under a passphrase.`}</p>
    <//>`;
}

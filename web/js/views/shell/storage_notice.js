// @ts-check
/** @import { StorageState } from "../../model.js" */
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";

/** @type {Partial<Record<StorageState, () => string>>} */
const SENTENCES = {
  "nearly full": () => t`The browser's storage for this page is nearly full. Save and delete old chats before it is.`,
  full: () => t`The browser has no room left: what is said from now on is lost when this page closes. Delete old chats, or save this one.`,
  refused: () => t`This browser keeps nothing for this page, as in some private windows: chats and keys are gone when it closes.`,
  broken: () => t`The browser cannot read what it stored for this page. Nothing is deleted. Reload, and if that does not help start afresh.`,
  outdated: () => t`A newer version of this page is open in another tab, and only that one can save. Reload this one.`,
};

/** What of keeping things fails, and what helps. */
export function StorageNotice() {
  const { model, actions } = useApp();
  const state = model.storage.value;
  const sentence = SENTENCES[state];
  if (!sentence) return null;
  return html`
    <div class="notice" role="alert">
      <p>${sentence()}</p>
      ${["broken", "outdated"].includes(state) && html`
        <button type="button" onClick=${() => location.reload()}>${t`Reload`}</button>`}
      ${state === "broken" && html`
        <button type="button" class="danger" onClick=${() => { model.dialog.value = { kind: "erase" }; }}>${t`Start afresh…`}</button>`}
      ${state === "nearly full" && html`
        <button type="button" onClick=${actions.dismissStorage}>${t`I know`}</button>`}
    </div>`;
}

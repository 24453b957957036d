// @ts-check
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { CloseIcon } from "../parts/icons.js";

export function UpdateNotice() {
  const { model, actions } = useApp();
  if (!model.hasUpdate.value) return null;
  return html`
    <div class="notice notice-good" role="alert">
      <p>${t`A new version of this page is ready. Nothing is lost by reloading.`}</p>
      <span class="notice-actions">
        <button type="button" onClick=${actions.updates.takeUpdate}>${t`Reload`}</button>
        <button type="button" class="quiet square" aria-label=${t`Later`}
          onClick=${() => { model.hasUpdate.value = false; }}><${CloseIcon} /></button>
      </span>
    </div>`;
}

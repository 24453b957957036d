// @ts-check
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";

/** Without a network, much of the page works; which part does is said. */
export function OfflineNotice() {
  const { model } = useApp();
  return html`
    <div aria-live="polite">
      ${model.isOffline.value && html`
        <div class="notice">
          <p>${t`You are offline. Reading, searching, exporting and the demo work, and so do providers on this computer or its network.`}</p>
        </div>`}
    </div>`;
}

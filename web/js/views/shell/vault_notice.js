// @ts-check
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";

/** Keys that are kept under a passphrase wait for it. */
export function VaultNotice() {
  const { model } = useApp();
  if (model.vault.value !== "locked") return null;
  return html`
    <div class="notice" role="alert">
      <p>${t`Your keys are locked. Everything else works; providers that need a key wait for it.`}</p>
      <button type="button" onClick=${() => { model.dialog.value = { kind: "unlock" }; }}>${t`Unlock`}</button>
    </div>`;
}

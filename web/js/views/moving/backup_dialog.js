// @ts-check
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Modal } from "../parts/modal.js";
import { NewPassphrase, useNewPassphrase } from "../parts/new_passphrase.js";

/** @param {{close: () => void}} props */
export function BackupDialog({ close }) {
  const { model, actions } = useApp();
  const { fields, take } = useNewPassphrase();
  /** @param {Event} event */
  const save = (event) => {
    event.preventDefault();
    const passphrase = take();
    if (passphrase === null) return;
    void actions.reported(actions.backups.save(passphrase));
    close();
  };
  return html`
    <${Modal} title=${t`Save everything, with keys`} close=${close}>
      <form onSubmit=${save}>
        <div class="modal-body">
          <p>${t`Keys and tokens are encrypted under a passphrase; without it nobody can read them. The rest is in the file as it is, and can be restored without the passphrase too.`}</p>
          ${isSecureContext
            ? html`<${NewPassphrase} label=${t`Passphrase`} ...${fields} />`
            : html`<p class="hint">${t`this page came unencrypted, so it cannot encrypt a file`}</p>`}
          ${model.vault.value === "locked" && html`<p class="hint">${t`Keys that are locked now are not in it. Unlock them first.`}</p>`}
        </div>
        <footer>
          <button type="button" class="quiet" onClick=${close}>${t`Cancel`}</button>
          <button type="submit" class="primary" disabled=${!isSecureContext}>${t`Save as a file`}</button>
        </footer>
      </form>
    <//>`;
}

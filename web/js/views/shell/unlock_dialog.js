// @ts-check
import { useState } from "preact/hooks";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Modal } from "../parts/modal.js";
import { SecretField } from "../parts/secret_field.js";

/** @param {{close: () => void}} props */
export function UnlockDialog({ close }) {
  const { actions } = useApp();
  const [passphrase, setPassphrase] = useState("");
  const [state, setState] = useState(/** @type {"" | "trying" | "wrong"} */ (""));
  const problems = state === "wrong" ? [{ item: "", field: "passphrase", message: t`That is not the passphrase.` }] : [];
  /** @param {Event} event */
  const unlock = async (event) => {
    event.preventDefault();
    setState("trying");
    if (await actions.secrets.unlock(passphrase)) close();
    else setState("wrong");
  };
  return html`
    <${Modal} title=${t`Unlock your keys`} close=${close}>
      <form onSubmit=${unlock}>
        <${SecretField} name="passphrase" label=${t`Passphrase`} value=${passphrase} onChange=${setPassphrase} isKept=${false}
          problems=${problems} />
        <footer>
          <button type="button" class="quiet" onClick=${close}>${t`Not now`}</button>
          <button type="submit" class="primary" disabled=${state === "trying" || !passphrase}>
            ${state === "trying" ? t`Unlocking…` : t`Unlock`}</button>
        </footer>
      </form>
    <//>`;
}

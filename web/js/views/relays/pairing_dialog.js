// @ts-check
/** @import { Pairing } from "../../state/pairings.js" */
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Modal } from "../parts/modal.js";
import { ChangedKey, Fingerprint } from "./sealing.js";

/** @param {{pairing: Pairing, close: () => void}} props */
export function PairingDialog({ pairing, close }) {
  const { actions } = useApp();
  const pinned = actions.settings.findPaired(pairing)?.public_key ?? "";
  const add = () => {
    void actions.reported(actions.settings.pair(pairing));
    actions.toast(t`Added ${pairing.name}. It is asked for nothing until you allow it.`);
    close();
  };
  return html`
    <${Modal} title=${t`Add this relay?`} close=${close}>
      <div class="modal-body">
        <p>${t`The link you opened adds ${pairing.name} at`}</p>
        <p class="address">${pairing.url}</p>
        <${SealingNotice} pinned=${pinned} shown=${pairing.public_key} />
        <p>${t`A relay passes your messages on, and sees the key of each provider you allow it for. Add it only if it is yours or you trust whoever runs it. You will be asked before it first sees a key.`}</p>
      </div>
      <footer>
        <button type="button" class="quiet" onClick=${close}>${t`Not now`}</button>
        <button type="button" class="primary" onClick=${add}>${t`Add relay`}</button>
      </footer>
    <//>`;
}

/**
 * @param {object} props
 * @param {string} props.pinned  the key that the relay at this address was paired with before
 * @param {string} props.shown  the link's
 */
function SealingNotice({ pinned, shown }) {
  if (pinned && shown && pinned !== shown) return html`<${ChangedKey} pinned=${pinned} shown=${shown} />`;
  if (!shown) return null;
  if (!isSecureContext) return html`<p>${t`This page came unencrypted, so it cannot seal what it sends there.`}</p>`;
  return html`
    <p>${t`What you send is sealed to it: no host on the way sees your keys or words.`} <${Fingerprint} publicKey=${shown} /></p>`;
}

// @ts-check
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Modal } from "../parts/modal.js";

/** @param {{close: () => void}} props */
export function EraseDialog({ close }) {
  const { actions } = useApp();
  return html`
    <${Modal} title=${t`Delete all that is stored?`} close=${close}>
      <form class="modal-body" onSubmit=${(/** @type {Event} */ event) => {
        event.preventDefault();
        void actions.reported(actions.eraseAll());
      }}>
        <p>${t`All chats, providers, keys, relays and rules of this page in this browser are deleted for good.`}</p>
        <footer>
          <button type="button" onClick=${close}>${t`Cancel`}</button>
          <button type="submit" class="danger">${t`Delete everything`}</button>
        </footer>
      </form>
    <//>`;
}

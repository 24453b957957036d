// @ts-check
/** @import { ComponentChildren } from "preact" */
import { useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../../words.js";
import { html } from "./html.js";
import { CloseIcon } from "./icons.js";

/**
 * A native dialog: it keeps the focus inside, closes on Escape and gives the focus back.
 *
 * @param {{title: string, close: () => void, children: ComponentChildren}} props
 */
export function Modal({ title, close, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  // At once, and not after the next paint: an Escape that comes right behind the click finds it open.
  useLayoutEffect(() => {
    const opener = /** @type {HTMLElement | null} */ (document.activeElement);
    dialog.current?.showModal();
    // The first thing to fill in or decide, where the browser would take the close button.
    const first = dialog.current?.querySelector(":is(form, footer) :is(select, input, button)");
    /** @type {HTMLElement | null | undefined} */ (first)?.focus();
    return () => { if (opener?.isConnected) opener.focus(); };
  }, []);
  return html`
    <dialog ref=${dialog} class="modal" aria-labelledby="modal-title" onClose=${close}>
      <header>
        <h2 id="modal-title">${title}</h2>
        <button type="button" class="quiet square" aria-label=${t`Close`} onClick=${close}><${CloseIcon} /></button>
      </header>
      ${children}
    </dialog>`;
}

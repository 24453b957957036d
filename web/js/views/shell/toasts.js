// @ts-check
/** @import { Toast } from "../../model.js" */
import { useEffect, useState } from "preact/hooks";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { CloseIcon } from "../parts/icons.js";

const SHOWN_FOR_MS = 5000;
const UNDO_FOR_MS = 12000;

export function Toasts() {
  const { model } = useApp();
  return html`
    <div class="toasts" aria-live="polite">
      ${model.toasts.value.map((toast) => html`<${ToastItem} key=${toast.id} toast=${toast} />`)}
    </div>`;
}

/** @param {{toast: Toast}} props */
function ToastItem({ toast }) {
  const { actions } = useApp();
  const [isHeld, setHeld] = useState(false);
  const dismiss = () => actions.dismissToast(toast.id);
  useEffect(() => {
    if (isHeld) return undefined;
    const timer = setTimeout(dismiss, toast.undo ? UNDO_FOR_MS : SHOWN_FOR_MS);
    return () => clearTimeout(timer);
  }, [isHeld]);
  const hold = () => setHeld(true);
  const release = () => setHeld(false);
  const undo = () => {
    toast.undo?.();
    dismiss();
  };
  return html`
    <div class="toast" onMouseEnter=${hold} onMouseLeave=${release} onFocusIn=${hold} onFocusOut=${release}>
      <span>${toast.text}</span>
      ${toast.undo && html`<button type="button" onClick=${undo}>${t`Undo`}</button>`}
      <button type="button" class="quiet square" aria-label=${t`Dismiss`} onClick=${dismiss}><${CloseIcon} /></button>
    </div>`;
}

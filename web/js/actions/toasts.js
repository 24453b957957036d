// @ts-check
/** @import { PageModel } from "../model.js" */

/**
 * @param {PageModel} model
 * @param {(work: Promise<unknown>) => void} reported
 */
export function toastActions(model, reported) {
  let nextId = 1;

  return {
    /**
     * @param {string} text
     * @param {() => unknown} [undo]
     */
    toast(text, undo) {
      const others = model.toasts.value.filter((shown) => shown.undo || shown.text !== text);
      const takeBack = undo ? () => reported(Promise.resolve(undo())) : null;
      model.toasts.value = [...others, { id: nextId++, text, undo: takeBack }];
    },

    /** @param {number} id */
    dismissToast(id) {
      model.toasts.value = model.toasts.value.filter((toast) => toast.id !== id);
    },
  };
}

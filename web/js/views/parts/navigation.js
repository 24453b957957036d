// @ts-check
/** @import { PageModel, View } from "../../model.js" */

/**
 * @param {PageModel} model
 * @param {View} view
 * @param {string} [focus]  id of what is to be focused there; otherwise its heading is
 */
export function goTo(model, view, focus = "") {
  if (model.view.value === view) {
    if (focus) document.getElementById(focus)?.focus();
    return;
  }
  // The view is drawn when the address has changed; what wants the focus is not there before.
  model.wantedFocus.value = focus;
  location.hash = `#${view}`;
}

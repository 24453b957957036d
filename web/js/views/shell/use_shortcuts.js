// @ts-check
/** @import { Deed } from "../../state/shortcuts.js" */
import { useEffect } from "preact/hooks";
import { deedOf } from "../../state/shortcuts.js";
import { useApp } from "../parts/context.js";

/** @returns {(deed: Deed) => void} what each shortcut does */
export function useDeeds() {
  const { model, actions } = useApp();
  return (deed) => {
    /** @param {string} id */
    const focus = (id) => requestAnimationFrame(() => document.getElementById(id)?.focus());
    /** @type {Partial<Record<Deed, () => void>>} */
    const deeds = {
      help: () => { model.dialog.value = { kind: "shortcuts" }; },
      palette: () => { model.dialog.value = { kind: "palette" }; },
      stop: actions.chat.stop,
      message: () => { location.hash = "#chat"; focus("message"); },
      search: () => { model.menuOpen.value = true; focus("search"); },
      "new chat": () => { actions.conversations.newChat(); location.hash = "#chat"; focus("message"); },
    };
    const act = deeds[deed];
    if (act) act();
    else location.hash = `#${deed}`;
  };
}

export function useShortcuts() {
  const { model } = useApp();
  const deeds = useDeeds();
  useEffect(() => {
    /** @param {KeyboardEvent} event */
    const onKeyDown = (event) => {
      if (event.defaultPrevented || event.isComposing) return;
      const target = /** @type {HTMLElement} */ (event.target);
      const isTyping = target.matches("input, textarea, select, [contenteditable], [role=menuitem]");
      const deed = deedOf(event, { isTyping, hasSingles: model.preferences.value.hasShortcuts });
      // A dialog has the keyboard to itself, but for the palette.
      if (!deed || (model.dialog.value && !(deed === "palette" && model.dialog.value.kind !== "palette"))) return;
      event.preventDefault();
      deeds(deed);
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
}

// @ts-check
import { SHORTCUTS, keysOf } from "../../state/shortcuts.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Modal } from "../parts/modal.js";
import { ShortcutChoice } from "../parts/shortcut_choice.js";
import { isApple } from "./platforms.js";

/** @param {{close: () => void}} props */
export function ShortcutsDialog({ close }) {
  const { model } = useApp();
  const { hasShortcuts } = model.preferences.value;
  return html`
    <${Modal} title=${t`Keyboard shortcuts`} close=${close}>
      <div class="modal-body">
        <dl class="shortcuts">
          ${SHORTCUTS.map((shortcut) => html`
            <div key=${shortcut.deed} class=${shortcut.isSingle && !hasShortcuts ? "off" : ""}>
              <dt>${shortcut.name()}</dt>
              <dd>${keysOf(shortcut, isApple()).map((key) => html`<kbd>${key}</kbd>`)}</dd>
            </div>`)}
          <div><dt>${t`Send the message`}</dt><dd><kbd>Enter</kbd></dd></div>
          <div><dt>${t`New line`}</dt><dd><kbd>Shift</kbd><kbd>Enter</kbd></dd></div>
          <div><dt>${t`Close what is open`}</dt><dd><kbd>Esc</kbd></dd></div>
        </dl>
        <${ShortcutChoice} />
      </div>
      <footer><button type="button" class="primary" onClick=${close}>${t`Close`}</button></footer>
    <//>`;
}

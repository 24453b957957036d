// @ts-check
import { t } from "../../words.js";
import { useApp } from "./context.js";
import { html } from "./html.js";

/** Shortcuts of a single key must be possible to turn off (WCAG 2.2, success criterion 2.1.4). */
export function ShortcutChoice() {
  const { model, actions } = useApp();
  const { hasShortcuts } = model.preferences.value;
  return html`
    <label class="check">
      <input type="checkbox" checked=${hasShortcuts}
        onChange=${() => void actions.preferences.prefer({ hasShortcuts: !hasShortcuts })} />
      ${t`Shortcuts of a single key, where nothing is typed`}
    </label>`;
}

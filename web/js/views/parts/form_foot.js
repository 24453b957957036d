// @ts-check
import { html } from "./html.js";

/** @param {{saving: boolean, close: () => void}} props */
export function FormFoot({ saving, close }) {
  return html`
    <footer>
      <button type="button" class="quiet" onClick=${close}>Cancel</button>
      <button type="submit" class="primary" disabled=${saving}>${saving ? "Checking…" : "Save"}</button>
    </footer>`;
}

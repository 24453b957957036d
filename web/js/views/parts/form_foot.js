// @ts-check
import { t } from "../../words.js";
import { html } from "./html.js";

/** @param {{saving: boolean, close: () => void}} props */
export function FormFoot({ saving, close }) {
  return html`
    <footer>
      <button type="button" class="quiet" onClick=${close}>${t`Cancel`}</button>
      <button type="submit" class="primary" disabled=${saving}>${saving ? t`Checking…` : t`Save`}</button>
    </footer>`;
}
